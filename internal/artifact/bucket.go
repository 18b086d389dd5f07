package artifact

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/txflow/txflow/internal/fault"
)

// EnsureBucket makes the S3 bucket of a URL where it is missing, and reports whether it did. Buckets of other clouds
// are made by their owners: exit code 64. A server that does not answer is exit code 69.
func (s *Store) EnsureBucket(ctx context.Context, url string) (made bool, err error) {
	at, err := parse(url)
	if err != nil {
		return false, err
	}
	if at.local() {
		return false, fault.Failf(fault.ExitUsage, "%s is no bucket: name one like s3://inputs", at)
	}
	b, err := s.bucket(at)
	if err != nil {
		return false, err
	}
	var client *s3.Client
	if !b.As(&client) {
		return false, fault.WithHint(fault.Failf(fault.ExitUsage, "%s: only buckets of S3 are made by txflow", at),
			"make it with the cloud's own tools")
	}
	there, err := b.IsAccessible(ctx)
	if there {
		return false, nil
	}
	if err != nil {
		return false, fault.Failf(fault.ExitUnavailable, "look for the bucket of %s: %w", at, err)
	}
	name := at.name()
	_, err = client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &name})
	var owned *types.BucketAlreadyOwnedByYou
	switch {
	case err == nil:
		return true, nil
	case errors.As(err, &owned): // another process was quicker
		return false, nil
	}
	return false, fault.Failf(fault.ExitUnavailable, "make the bucket of %s: %w", at, err)
}
