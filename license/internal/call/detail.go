package call

import (
	"fmt"

	"guildhall/license/internal/decide"
	"guildhall/license/internal/sandbox"
	"guildhall/sdk/go/license"
)

// detail is what a refusal means, for whoever reads a program's log.
func detail(code string) string {
	switch code {
	case ClockSkew:
		return "The clock of this machine differs from the server's by more than five minutes. Set it; the answer's time is the server's."
	case TooMany:
		return "Too many unknown card keys came from this address, or too many other machines with this card. Wait, and try again."
	case Malformed:
		return "The request is not of the format. Nothing can be sealed to the key seal of the device."
	case NoHandshake:
		return "The release has no such handshake key."
	case NoDeviceKey:
		return "Opening needs a key of this installation, which handshake keys are sealed to."
	}
	if text := functionDetail(code); text != "" {
		return text
	}
	switch decide.Code(code) {
	case decide.CardUnknown:
		return "There is no such card for this product."
	case decide.CardSuspended:
		return "The card is suspended. Ask whom you have it from."
	case decide.CardRevoked:
		return "The card was revoked. Ask whom you have it from."
	case decide.CardExpired:
		return "The card has ended."
	case decide.CardNotActive:
		return "The card is not activated on this machine. Activate it first."
	case decide.EnvironmentMismatch:
		return "The card is bound to another machine."
	case decide.FingerprintMissing:
		return "The request tells nothing about this machine that the card could be bound to."
	case decide.AddressMissing:
		return "The request comes from no address that the card could be bound to."
	case decide.ProofMissing:
		return "The request does not prove that it comes from this installation."
	case decide.ProofWrong:
		return "The proof that the request comes from this installation is not good."
	case decide.DeviceMismatch:
		return "The card belongs to another installation, on this machine or on a copy of it."
	case decide.TrialUsed:
		return "This machine has had a trial already."
	case decide.ModuleNotAllowed:
		return "The card is not good for this part of the program."
	case decide.FunctionNotAllowed:
		return "The card is not good for this function."
	case decide.FunctionQuota:
		return "This function was called as often today as it may be."
	case decide.FilesNotAllowed:
		return "The card is not good for downloads."
	case decide.CallUnknown:
		return "There is no such call."
	}
	return ""
}

func functionDetail(code string) string {
	switch code {
	case NoFunction:
		return "The product has no such function."
	case FunctionOff:
		return "The function is switched off for now."
	case InputLarge:
		return fmt.Sprintf("The input of the function has more than %d bytes.", license.MaxInput)
	}
	switch sandbox.Code(code) {
	case sandbox.Busy:
		return "The server runs as many functions as it can. Try again in a moment."
	case sandbox.Time:
		return "The function took longer than it may."
	case sandbox.Memory:
		return "The function needed more memory than it may have."
	case sandbox.Output:
		return "The function wrote more than it may."
	case sandbox.Stack:
		return "The function called itself too deeply."
	case sandbox.Trap:
		return "The function did what no program may, and was ended."
	case sandbox.Exit:
		return "The function ended with an error."
	case sandbox.Fine:
	}
	return ""
}
