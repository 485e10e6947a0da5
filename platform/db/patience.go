package db

// Patience is how long Open and every write wait for a database server that is
// away, before they give up with ErrUnreachable.
const Patience = patience
