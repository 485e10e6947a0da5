package sealed

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
)

// This file is the format a second time, written from
// docs/formats/license-transport.md with all randomness given: it makes the
// vectors, and what it does not share with the package (HKDF, HPKE, frames) must
// come out the same there.

// sample is 32 bytes that look random and are the same each time.
func sample(name string) []byte {
	sum := sha256.Sum256([]byte("guildhall vectors " + name))
	return sum[:]
}

func refMAC(key []byte, parts ...[]byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write(slices.Concat(parts...))
	return m.Sum(nil)
}

func refExpand(prk, info []byte, n int) []byte {
	var out, last []byte
	for i := byte(1); len(out) < n; i++ {
		last = refMAC(prk, last, info, []byte{i})
		out = append(out, last...)
	}
	return out[:n]
}

func refGCM(key, nonce, plain, aad []byte) []byte {
	return must(cipher.NewGCM(must(aes.NewCipher(key)))).Seal(nil, nonce, plain, aad)
}

func refAAD(fields ...[]byte) (out []byte) {
	for _, f := range fields {
		out = append(binary.BigEndian.AppendUint16(out, uint16(len(f))), f...)
	}
	return out
}

func refDH(private, public []byte) []byte {
	return must(must(ecdh.X25519().NewPrivateKey(private)).ECDH(must(ecdh.X25519().NewPublicKey(public))))
}

func refPublic(private []byte) []byte {
	return must(ecdh.X25519().NewPrivateKey(private)).PublicKey().Bytes()
}

// HPKE base mode, RFC 9180: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.
var (
	refKEMSuite  = []byte("KEM\x00\x20")
	refHPKESuite = []byte("HPKE\x00\x20\x00\x01\x00\x02")
)

func refLabeledExtract(suite, salt []byte, label string, ikm []byte) []byte {
	return refMAC(salt, []byte("HPKE-v1"), suite, []byte(label), ikm)
}

func refLabeledExpand(suite, prk []byte, label string, info []byte, n int) []byte {
	return refExpand(prk, slices.Concat(binary.BigEndian.AppendUint16(nil, uint16(n)), []byte("HPKE-v1"), suite, []byte(label), info), n)
}

type refContext struct{ enc, shared, key, nonce, exporter []byte }

func refSender(ephemeral, public []byte, info string) refContext {
	c := refContext{enc: refPublic(ephemeral)}
	eae := refLabeledExtract(refKEMSuite, nil, "eae_prk", refDH(ephemeral, public))
	c.shared = refLabeledExpand(refKEMSuite, eae, "shared_secret", slices.Concat(c.enc, public), 32)
	context := slices.Concat([]byte{0}, refLabeledExtract(refHPKESuite, nil, "psk_id_hash", nil), refLabeledExtract(refHPKESuite, nil, "info_hash", []byte(info)))
	secret := refLabeledExtract(refHPKESuite, c.shared, "secret", nil)
	c.key = refLabeledExpand(refHPKESuite, secret, "key", context, 32)
	c.nonce = refLabeledExpand(refHPKESuite, secret, "base_nonce", context, 12)
	c.exporter = refLabeledExpand(refHPKESuite, secret, "exp", context, 32)
	return c
}

func (c refContext) export(label string) []byte {
	return refLabeledExpand(refHPKESuite, c.exporter, "sec", []byte(label), 32)
}

// Signed texts.

func refHash(b []byte) []byte { sum := sha256.Sum256(b); return sum[:] }

func refProofText(path, product, body string) string {
	return strings.Join([]string{"guildhall license request v1", path, product, hex.EncodeToString(refHash([]byte(body)))}, "\n")
}

func refAnswerText(path, product, request, answer string) string {
	return strings.Join([]string{"guildhall license answer v1", path, product,
		hex.EncodeToString(refHash([]byte(request))), hex.EncodeToString(refHash([]byte(answer)))}, "\n")
}

func refSign(seed []byte, text string) []byte {
	return ed25519.Sign(ed25519.NewKeyFromSeed(seed), []byte(text))
}

// Sealed messages: what each step gives stands in the vectors.

func refSealPSK(p Params, id, key, salt, plain []byte, v *vectorSide) (prk []byte) {
	header := slices.Concat([]byte{1}, id, salt)
	prk = refMAC(salt, key)
	v.keyed(refExpand(prk, []byte("guildhall license psk request v1"), 44))
	v.seal(header, plain, refAAD(header, []byte(p.Method), []byte(p.Path), []byte(p.Product)))
	v.Steps.PRK = prk
	return prk
}

func refAnswerPSK(p Params, id, prk, request, salt, plain []byte, v *vectorSide) {
	header := slices.Concat([]byte{1}, id, salt)
	v.keyed(refExpand(prk, slices.Concat([]byte("guildhall license psk answer v1"), salt), 44))
	v.seal(header, plain, refAAD(header, []byte(p.Method), []byte(p.Path), []byte(p.Product), refHash(request)))
	v.Steps.PRK = prk
}

func refSealHPKE(p Params, id, public, ephemeral, plain []byte, v *vectorSide) refContext {
	c := refSender(ephemeral, public, "guildhall license hpke v1")
	header := slices.Concat([]byte{1}, id, c.enc)
	v.keyed(slices.Concat(c.key, c.nonce))
	v.seal(header, plain, refAAD(header, []byte(p.Method), []byte(p.Path), []byte(p.Product)))
	v.Steps.Shared, v.Steps.Exported = c.shared, c.export("guildhall license hpke answer v1")
	return c
}

func refAnswerHPKE(p Params, id []byte, c refContext, request, clientPublic, nonce, server, plain []byte, v *vectorSide) {
	shared := refDH(server, clientPublic)
	refAnswerHPKEWith(p, id, c, request, nonce, refPublic(server), shared, plain, v)
}

func refAnswerHPKEWith(p Params, id []byte, c refContext, request, nonce, serverPublic, shared, plain []byte, v *vectorSide) {
	header := slices.Concat([]byte{1}, id, nonce, serverPublic)
	prk := refMAC(slices.Concat(c.enc, nonce), c.export("guildhall license hpke answer v1"), shared)
	v.keyed(refExpand(prk, []byte("guildhall license hpke answer v1"), 44))
	v.seal(header, plain, refAAD(header, []byte(p.Method), []byte(p.Path), []byte(p.Product), refHash(request)))
	v.Steps.PRK, v.Steps.Shared = prk, shared
}

// keyed takes a key with its nonce, and seal seals with them.
func (v *vectorSide) keyed(secret []byte) { v.Steps.Key, v.Steps.Nonce = secret[:32], secret[32:] }

func (v *vectorSide) seal(header, plain, aad []byte) {
	v.Steps.Plain, v.Steps.AAD = plain, aad
	v.Wire.Body = slices.Concat(header, refGCM(v.Steps.Key, v.Steps.Nonce, plain, aad))
}
