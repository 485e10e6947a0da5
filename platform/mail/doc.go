// Package mail writes letters to people and gets them delivered.
//
// A service that writes letters gives its templates to the process
// (app.Definition.Mails) and finds the outbox in app.Env.Mail. A letter is
// rendered and queued in the transaction that is the reason for it, and sent
// after that is committed:
//
//	err := db.WithTx(ctx, func(tx *sql.Tx) error {
//		...
//		return env.Mail.Send(ctx, tx, mail.Message{To: address, Language: "pl",
//			Template: "identity.reset", Data: map[string]any{"Code": code}})
//	})
//
// # Templates
//
// A letter has two files in each language, as both kinds of reader want them:
//
//	en/identity.reset.txt    text/template: the plain text, and the subject in
//	                         {{define "subject"}}...{{end}}
//	en/identity.reset.html   html/template: what stands inside the layout
//	pl/..., zh/...           the same
//
// The dot is Message.Data with To, Name, Product, Language and Subject beside
// it. A key that a template names and Data lacks is an error of Send. The layout
// around the HTML knows light and dark, loads nothing, and has parts for it:
//
//	{{template "code" .Code}}           a code to type, large
//	{{template "button" (link .URL "Open")}}   a link that looks like a button
//
// # Delivery
//
// The rendered letter lies in the queue sealed (platform/seal): neither the
// jobs page nor a copy of the database shows it. It is tried for about a day
// with growing pauses; an answer of the mail server that will not change ends it
// at once. It is delivered at least once: a letter whose sending was cut may
// come twice, under the same Message-ID, by which many programs drop the second.
package mail
