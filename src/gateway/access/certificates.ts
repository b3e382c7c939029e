/** Clients that TLS has proven to be who they are. */
import { InvalidOptions } from "../../errors/index.ts";
import type { PeerCertificate } from "../http/site.ts";
import { type Known, principal } from "./credentials.ts";
import type { CertificateRule } from "./options.ts";
import { isTokenName, tokenNameForm } from "./token-file.ts";
import { checkScopes } from "./tokens.ts";

/** Makes the search for the first rule that fits a certificate. Throws InvalidOptions. */
export function certificateRules(rules: readonly CertificateRule[]): (certificate: PeerCertificate) => Known | undefined {
  const made = rules.map((rule, index) => {
    const { name, subject, subjectAltName, fingerprint256, scopes } = rule;
    const option = `auth.certificates[${index}]`;
    if (subject === undefined && subjectAltName === undefined && fingerprint256 === undefined) {
      throw new InvalidOptions({ option, expected: "given a subject, a subjectAltName or a fingerprint256" });
    }
    if (!isTokenName(name)) throw new InvalidOptions({ option: `${option}.name`, expected: tokenNameForm });
    const digits = fingerprint256 === undefined ? undefined : digitsOf(fingerprint256);
    if (digits !== undefined && !/^[0-9a-f]{64}$/.test(digits)) {
      throw new InvalidOptions({ option: `${option}.fingerprint256`, expected: "64 hexadecimal digits, with or without colons" });
    }
    checkScopes(`${option}.scopes`, scopes);
    const fits = (certificate: PeerCertificate): boolean =>
      (subject === undefined || certificate.subject === subject) &&
      (subjectAltName === undefined || certificate.subjectAltNames.includes(subjectAltName)) &&
      (digits === undefined || digitsOf(certificate.fingerprint256) === digits);
    return { fits, known: { principal: principal("certificate", name, scopes) } };
  });
  return (certificate) => made.find(({ fits }) => fits(certificate))?.known;
}

const digitsOf = (fingerprint: string): string => fingerprint.replaceAll(":", "").toLowerCase();
