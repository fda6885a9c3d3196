import { once } from "node:events";
import { connect, type SecureVersion } from "node:tls";

/**
 * The version of TLS that a server speaks with a client which knows none later than `maxVersion`, or the code of the
 * error. The client would speak any version itself, so that an alert is the server's.
 */
export async function agreedVersion(port: number, ca: string, maxVersion: SecureVersion): Promise<string> {
  const socket = connect({
    ...{ port, host: "127.0.0.1", ca },
    ...{ minVersion: "TLSv1", maxVersion, ciphers: "DEFAULT@SECLEVEL=0" },
  });
  try {
    await once(socket, "secureConnect");
    return String(socket.getProtocol());
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  } finally {
    socket.destroy();
  }
}

export const REFUSED_VERSION = "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION";

/** The header of a first message of 512 bytes, none of which comes. */
export const BEGUN_HANDSHAKE = Buffer.from([0x16, 3, 1, 2, 0]);
