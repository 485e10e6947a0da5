// Package ca is the client of guildhall's certificate authority: its REST API
// under /api/v1, typed. It uses the standard library alone.
//
//	client := ca.New(ca.Options{URL: "https://ca.guildhall.example", Token: token, Roots: pool})
//	issued, err := client.Issue(ctx, ca.IssueRequest{CommonName: "shop.example.com"})
//
// Errors of the authority are *Problem; its Code is stable.
package ca
