// Package blob keeps the contents of files, of any size, under their SHA-256: in a folder
// of the service's data directory, or in a bucket that speaks the protocol of S3.
//
// What is to be kept is received into a Draft first, a file of the folder for drafts:
// its sum is known when all of it has come, and half a content is never in a Store.
// Contents never change; the same content is kept once. A Store does not know who needs
// a content: the service does, and removes what nobody needs.
//
// The folder is part of the service's backups, drafts are not. A backup takes the database
// before the folder: with a content that is there before the row that needs it, and goes
// a day after the last one, no backup has a row without its content. A bucket is no part
// of backups; it has its own.
package blob
