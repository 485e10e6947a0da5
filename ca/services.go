package ca

import "slices"

// guildhallServices are the services that may run beside this authority or on
// other hosts.
var guildhallServices = []string{"ca", "identity", "bank", "shop", "license", "deploy", "chat"}

// services are the names for which join tokens are made.
func (c *Config) services() []string { return slices.Concat(guildhallServices, c.Services) }
