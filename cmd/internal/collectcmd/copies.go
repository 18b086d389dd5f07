package collectcmd

import (
	"context"

	"github.com/txflow/txflow/internal/artifact"
)

// copies keeps copies of dead letters in a folder or bucket.
type copies struct {
	store *artifact.Store
	below string
}

// Keep implements collect.Copies.
func (k *copies) Keep(ctx context.Context, name string, content []byte) error {
	w, err := k.store.Create(ctx, k.below+"/"+name)
	if err != nil {
		return err
	}
	defer w.Abort()
	if _, err := w.Write(content); err != nil {
		return err
	}
	_, err = w.Commit(ctx)
	return err
}
