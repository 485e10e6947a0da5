package config

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"strconv"
)

var (
	errBool   = errors.New("is not a truth value; write true or false")
	errNumber = errors.New("is not a number; write digits, as in 0.5 or 12")
)

// setScalar fills v with what the text says. The error goes after the value in
// a sentence, and does not repeat it.
func setScalar(v reflect.Value, text string) error {
	if u, ok := reflect.TypeAssert[encoding.TextUnmarshaler](v.Addr()); ok {
		return u.UnmarshalText([]byte(text))
	}
	switch {
	case v.Kind() == reflect.String:
		v.SetString(text)
	case v.Kind() == reflect.Bool:
		if text != "true" && text != "false" {
			return errBool
		}
		v.SetBool(text == "true")
	case v.CanInt():
		return setInt(v, text)
	case v.CanUint():
		return setUint(v, text)
	case v.CanFloat():
		n, err := strconv.ParseFloat(text, v.Type().Bits())
		if err != nil || n-n != 0 { // neither infinite nor not a number
			return errNumber
		}
		v.SetFloat(n)
	}
	return nil
}

func setInt(v reflect.Value, text string) error {
	n, err := strconv.ParseInt(text, 10, v.Type().Bits())
	if err != nil {
		return wholeNumber(err)
	}
	v.SetInt(n)
	return nil
}

func setUint(v reflect.Value, text string) error {
	n, err := strconv.ParseUint(text, 10, v.Type().Bits())
	if err != nil {
		return wholeNumber(err)
	}
	v.SetUint(n)
	return nil
}

func wholeNumber(err error) error {
	if errors.Is(err, strconv.ErrRange) {
		return errors.New("is too large or too small a number")
	}
	return errors.New("is not a whole number; write digits alone, as in 12")
}

// scalarText is the text that setScalar reads; of a secret it is the Mask.
func scalarText(v reflect.Value) string {
	if m, ok := reflect.TypeAssert[encoding.TextMarshaler](v); ok {
		if text, err := m.MarshalText(); err == nil {
			return string(text)
		}
	}
	return fmt.Sprint(v.Interface())
}
