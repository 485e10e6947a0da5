// Loaded before a script: what lies around the clients, so that they stay as they are.
import dns from 'node:dns'
import { webcrypto } from 'node:crypto'

// Every name below .localhost is this machine, as browsers have it.
const lookup = dns.lookup
dns.lookup = (name, options, done) => lookup(/\.localhost$/.test(name) ? '127.0.0.1' : name, options, done)

// Node 18 has these, and does not show them.
globalThis.crypto ??= webcrypto
globalThis.CryptoKey ??= webcrypto.CryptoKey
