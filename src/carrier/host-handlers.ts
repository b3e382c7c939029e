/** What answers the calls that a worker opens. Implemented above the carriers, handed down to them. */
import type { ServiceImpl } from "@connectrpc/connect";
import type { HostService } from "../gen/snakepit/v1/host_pb.ts";

/**
 * Handlers of HostService. A method left out is answered with UNIMPLEMENTED. A unary method may give its answer or a promise of it: an answer that is no
 * promise leaves before the next frame is read, and costs a fifth.
 *
 * Buffers arrive and leave as `inline`, whatever their size: the carrier sends large ones in frames of their own, without a copy.
 */
export type HostHandlers = Partial<ServiceImpl<typeof HostService>>;
