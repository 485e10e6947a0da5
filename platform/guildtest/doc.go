// Package guildtest is the world that guildhall's tests run in: both database
// engines, a throwaway PostgreSQL, a clock to move and a browser. Only tests
// import it.
package guildtest
