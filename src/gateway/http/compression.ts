/**
 * How messages are packed for the way. Connect's own compressions pack as small as they can: two megabytes of JSON keep a thread busy with Brotli for seven
 * seconds, and Node has four such threads. An answer is packed once and read once, so here the quickest way counts: of those two megabytes it leaves a third,
 * within 25 ms.
 */
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Compression } from "@connectrpc/connect/protocol";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";

/**
 * Smaller messages go as they are. Up to 14 KB leave in the first flight of packets (RFC 6928), so packing them spares no round trip, and it costs a third
 * of the calls a second.
 */
export const COMPRESS_FROM_BYTES = 16 * 1024;

const quicklyGzip = promisify(gzip);
const quicklyBrotli = promisify(brotliCompress);
const gzipOptions = { level: constants.Z_BEST_SPEED };
const brotliOptions = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MIN_QUALITY + 1 } };

/** What the gateway unpacks and packs. */
export const compressions: Compression[] = [
  { name: compressionGzip.name, compress: (bytes) => quicklyGzip(bytes, gzipOptions), decompress: unpacking(compressionGzip) },
  { name: compressionBrotli.name, compress: (bytes) => quicklyBrotli(bytes, brotliOptions), decompress: unpacking(compressionBrotli) },
];

/** What cannot be unpacked is the caller's fault, also where Connect's own compressions do not know why. */
function unpacking({ decompress }: Compression): Compression["decompress"] {
  return async (bytes, readMaxBytes) => {
    try {
      return await decompress(bytes, readMaxBytes);
    } catch (error) {
      if (!(error instanceof ConnectError && error.code === Code.Internal)) throw error;
      throw new ConnectError(error.rawMessage, Code.InvalidArgument, undefined, undefined, error.cause);
    }
  };
}
