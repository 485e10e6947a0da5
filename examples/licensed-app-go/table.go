package main

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"strconv"

	"guildhall/sdk/go/license"
)

// material is a row of the table.
type material struct {
	name           string
	density, melts float64 // g/cm3, °C
}

var errDamaged = errors.New("materials.dat is damaged: install the program again")

// unpack opens the table by the key that the server gives to a licensed installation.
func unpack(ctx context.Context, client *license.Client, path string) ([]material, error) {
	packed, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	line, rest, _ := bytes.Cut(packed, []byte("\n"))
	words := bytes.Fields(line)
	if len(words) != 3 {
		return nil, errDamaged
	}
	key, standing, err := client.OpenKey(ctx, string(words[2]))
	if err != nil {
		return nil, err
	}
	fmt.Fprintln(os.Stderr, "licence", until(standing))
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil || len(rest) < gcm.NonceSize() {
		return nil, errDamaged
	}
	text, err := gcm.Open(nil, rest[:gcm.NonceSize()], rest[gcm.NonceSize():], packed[:len(line)+1])
	if err != nil {
		return nil, errDamaged
	}
	return table(text)
}

func table(text []byte) (all []material, err error) {
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		return nil, err
	}
	for _, row := range rows[1:] {
		density, err := strconv.ParseFloat(row[1], 64)
		if err != nil {
			return nil, err
		}
		melts, err := strconv.ParseFloat(row[2], 64)
		if err != nil {
			return nil, err
		}
		all = append(all, material{row[0], density, melts})
	}
	return all, nil
}
