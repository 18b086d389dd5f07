// Package transactions describes the pipeline of transactions: its names, topics and schemas. Raw transactions come in
// transactions.raw; the handler in classify asks the ML API for their categories and writes them to
// transactions.classified, or to transactions.dlq with the reason.
package transactions

// Names of the pipeline.
const (
	Name   = "transactions"
	Ledger = "stream" // in the column pipeline of every table
)
