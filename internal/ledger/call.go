package ledger

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/txflow/txflow/internal/prediction"
)

// call is what the rows of one ML call share, by the names that the views of incoming_classified read.
type call struct {
	Pipeline      string `json:"pipeline"`
	RunID         string `json:"run_id"`
	TaskTry       uint16 `json:"task_try"`
	Source        string `json:"source"`
	Origin        string `json:"origin"`
	OriginDigest  string `json:"origin_digest"`
	Partition     int32  `json:"partition"`
	Chunk         string `json:"chunk"`
	OriginTraceID string `json:"origin_trace_id"`
	ModelVersion  string `json:"model_version"`
	ClassifiedUS  int64  `json:"classified_us"`
	Attempt       uint16 `json:"attempt"`
	TraceID       string `json:"trace_id"`
	SpanID        string `json:"span_id"`
	Sampled       bool   `json:"sampled"`
}

// AppendCall appends what the rows of one call share as compact JSON: the column call of incoming_classified.
// ClickHouse looks fields up in it by their text, so it must have no spaces; and it takes the quote after an escaped
// backslash for an escaped one, so that a backslash is written by its number.
func (info *RunInfo) AppendCall(b []byte, at Origin, by *prediction.Call) []byte {
	buf := bytes.NewBuffer(b)
	encoder := json.NewEncoder(buf)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(call{Pipeline: info.Pipeline, RunID: info.RunID, TaskTry: uint16(min(info.TaskTry, 1<<16-1)),
		Source: info.Source, Origin: at.Origin, OriginDigest: at.Digest, Partition: at.Partition, Chunk: info.Chunk,
		OriginTraceID: info.OriginTraceID,
		ModelVersion:  by.Model, ClassifiedUS: by.AnsweredAt.UnixMicro(), Attempt: uint16(min(by.Attempt, 1<<16-1)),
		TraceID: by.TraceID, SpanID: by.SpanID, Sampled: by.Sampled})
	if err != nil {
		panic(fmt.Sprintf("a call is plain data: %v", err))
	}
	return bytes.ReplaceAll(bytes.TrimSuffix(buf.Bytes(), []byte{'\n'}), []byte(`\\`), []byte(`\u005c`))
}
