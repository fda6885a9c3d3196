/** What a server needs to prove who it is, and what its clients need to believe it. PEM throughout. */
export interface ServingCertificate {
  readonly keyPem: string;
  /** The certificate, with intermediates behind it where there are any. */
  readonly certPem: string;
  /** Every authority that clients should trust now; the caBundle of a registration. "" where it is not known. */
  readonly caPem: string;
  /** When certPem ends, milliseconds since the epoch. */
  readonly notAfterMs: number;
}

export interface CertificateSource {
  /** The newest good one. Only after start() has resolved. */
  current(): ServingCertificate;
  /** Calls `listener` with each one that replaces current(); returns what ends that. */
  onChange(listener: (certificate: ServingCertificate) => void): () => void;
  /**
   * Resolves when the first certificate is there, and goes on in the background until the signal is aborted.
   * Rejects with the signal's reason when it is aborted before.
   */
  start(signal: AbortSignal): Promise<void>;
}
