package data

import "time"

// The words and bounds of the real file; each word is about as frequent as the next there.
var (
	merchants = [...]string{"Air France", "Amazon.fr", "Auchan", "Bouygues", "Carrefour", "Darty", "Deliveroo", "EDF",
		"Fnac",
		"Franprix", "Intermarche", "La Poste", "Leclerc", "Lidl", "Monoprix", "Orange", "RATP", "SFR", "SNCF", "Systeme U",
		"TotalEnergies", "Transilien", "Uber", "Veolia"}
	operations = [...]string{"transfer", "payment", "direct_debit", "refund"}
	// A description that ends in a space goes on with the merchant's name.
	descriptions = [...]string{"Card expense at ", "Purchase at ", "Receipt from ", "Invoice from ", "Refund from ",
		"Subscription to ", "Online payment", "Incoming transfer", "Outgoing transfer", "Direct debit"}
)

const (
	debitShare    = 657      // of a thousand rows
	maxDebit      = 2_000_00 // cents
	maxCredit     = 5_000_00 // cents
	days          = 480      // 2023-01-01 to 2024-04-24
	secondsPerDay = int(24 * time.Hour / time.Second)
)

var firstDay = time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC)

// dates holds the days as text; it is never written to.
var dates = func() (all [days][10]byte) {
	for i := range all {
		copy(all[i][:], firstDay.AddDate(0, 0, i).Format(time.DateOnly))
	}
	return all
}()
