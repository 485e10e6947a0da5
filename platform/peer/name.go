package peer

import (
	"crypto/x509"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Domain is the parent of all service names. No certificate of a profile other
// than "service" may carry a name under it.
const Domain = "guildhall.internal"

// EnrolName is the server name of the only handshake that needs no client
// certificate. Behind it stand the Open routes and nothing else.
const EnrolName = "enrol." + Domain

var validService = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)

// Name is the certificate name of a service: "bank" becomes
// "bank.guildhall.internal".
func Name(service string) string { return service + "." + Domain }

// ServiceOf is the service of a name made by Name.
func ServiceOf(name string) (service string, ok bool) {
	service, ok = strings.CutSuffix(name, "."+Domain)
	return service, ok && validService.MatchString(service) && name != EnrolName
}

// ServiceOfCertificate checks that cert is of the service profile: one DNS name
// of the form of Name, no other names, and good for both ends of a connection.
// It says nothing of the certificate's chain.
func ServiceOfCertificate(cert *x509.Certificate) (service string, err error) {
	if len(cert.DNSNames) != 1 || len(cert.IPAddresses)+len(cert.URIs)+len(cert.EmailAddresses) != 0 {
		return "", fmt.Errorf("certificate %s is not of a service: it needs exactly one name, a DNS name under %s", SerialText(cert), Domain)
	}
	service, ok := ServiceOf(cert.DNSNames[0])
	if !ok {
		return "", fmt.Errorf("certificate %s is not of a service: its name %q is not <service>.%s", SerialText(cert), cert.DNSNames[0], Domain)
	}
	if cert.IsCA || !slices.Contains(cert.ExtKeyUsage, x509.ExtKeyUsageClientAuth) || !slices.Contains(cert.ExtKeyUsage, x509.ExtKeyUsageServerAuth) {
		return "", fmt.Errorf("certificate %s of %s is not of the service profile: it must allow client and server authentication", SerialText(cert), service)
	}
	return service, nil
}
