/** Keys and certificates of a server. */
import { readFileSync } from "node:fs";
import { InvalidOptions } from "../errors/index.ts";

/** Files in the form PEM. */
export interface TlsFiles {
  /** The certificate, and after it those between it and the authority. */
  readonly certFile: string;
  readonly keyFile: string;
  /** Certificates of authorities: only callers that have a certificate of one of them get a connection. Default: none is asked for. */
  readonly clientCaFile?: string | undefined;
}

/** What the files hold. */
export interface TlsContents {
  readonly cert: string;
  readonly key: string;
  readonly ca: string | undefined;
}

/** Reads the files. Throws InvalidOptions when one cannot be read. */
export function readTls({ certFile, keyFile, clientCaFile }: TlsFiles): TlsContents {
  return {
    cert: read("tls.certFile", certFile),
    key: read("tls.keyFile", keyFile),
    ca: clientCaFile === undefined ? undefined : read("tls.clientCaFile", clientCaFile),
  };
}

function read(option: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new InvalidOptions({ option, expected: `a file that can be read, and ${file} cannot` }, { cause });
  }
}
