#include "crypt/rsa_der.h"

#include "base/cursor.h"

enum der_tag {
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_SEQUENCE = 0x30,
};

/* AlgorithmIdentifier of rsaEncryption, 1.2.840.113549.1.1.1 (RFC 8017 A.1), behind its SEQUENCE header:
 * the parameters are NULL, and some encoders leave them out. */
static const struct view rsa_encryption = { "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00", 13 };
#define RSA_ENCRYPTION_BARE 11

/* X.690 8.1.3, 10.1: one octet below 128, else how many octets, none of them a needless zero. */
static bool
take_length(struct cursor *c, size_t *n)
{
	int first = cursor_peek(c);

	cursor_take_n(c, 1);
	if (first < 0x80) {
		*n = (size_t)first;
		return first >= 0;
	}
	struct view more = cursor_take_n(c, (size_t)first & 0x7f);
	if (more.n != ((size_t)first & 0x7f) || more.n == 0 || more.n > 3 || more.p[0] == 0)
		return false;
	*n = 0;
	for (size_t i = 0; i < more.n; i++)
		*n = *n << 8 | (unsigned char)more.p[i];
	return *n >= 0x80;
}

/* One element; its contents are all there. */
static bool
take_element(struct cursor *c, enum der_tag tag, struct view *contents)
{
	size_t n;

	if (!cursor_char(c, (char)tag) || !take_length(c, &n))
		return false;
	*contents = cursor_take_n(c, n);
	return contents->n == n;
}

/* A positive INTEGER in as few octets as possible; zero, too, is refused. */
static bool
take_positive(struct cursor *c, struct view *number)
{
	if (!take_element(c, DER_INTEGER, number) || number->n == 0)
		return false;
	if ((unsigned char)number->p[0] & 0x80)
		return false; /* negative */
	if (number->p[0] != 0)
		return true;
	*number = view_from(*number, 1);
	return number->n > 0 && (unsigned char)number->p[0] & 0x80;
}

/* SubjectPublicKeyInfo ::= SEQUENCE { algorithm, subjectPublicKey BIT STRING }: *inner is what the bits hold. */
static bool
open_spki(struct view contents, struct view *inner)
{
	struct cursor c = cursor_over(contents);
	struct view algorithm, bits;

	if (!take_element(&c, DER_SEQUENCE, &algorithm))
		return false;
	if (!view_eq(algorithm, rsa_encryption) && !view_eq(algorithm, view_sub(rsa_encryption, 0, RSA_ENCRYPTION_BARE)))
		return false;
	if (!take_element(&c, DER_BIT_STRING, &bits) || !cursor_end(&c))
		return false;
	if (bits.n == 0 || bits.p[0] != 0) /* unused bits at the end */
		return false;
	*inner = view_from(bits, 1);
	return true;
}

static bool
open_sequence(struct view der, struct view *contents)
{
	struct cursor c = cursor_over(der);

	return take_element(&c, DER_SEQUENCE, contents) && cursor_end(&c);
}

bool
rsa_der_parse(struct view der, struct rsa_der *rsa, struct err *err)
{
	struct view contents, inner;

	if (!open_sequence(der, &contents))
		return err_perm(err, "no RSA key in DER");
	if (contents.n > 0 && contents.p[0] == DER_SEQUENCE) {
		if (!open_spki(contents, &inner) || !open_sequence(inner, &contents))
			return err_perm(err, "no RSA key in this SubjectPublicKeyInfo");
	}
	struct cursor c = cursor_over(contents);
	if (!take_positive(&c, &rsa->modulus) || !take_positive(&c, &rsa->exponent) || !cursor_end(&c))
		return err_perm(err, "no RSAPublicKey of two positive numbers");
	return true;
}

size_t
rsa_der_bits(struct view number)
{
	size_t bits = number.n * 8;

	for (unsigned top = number.n == 0 ? 0x80 : (unsigned char)number.p[0]; !(top & 0x80); top <<= 1)
		bits--;
	return bits;
}
