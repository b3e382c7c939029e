/** What answers the calls that a worker opens. Implemented above the carriers, handed down to them. */
import type { ServiceImpl } from "@connectrpc/connect";
import type { HostService } from "../gen/snakepit/v1/host_pb.ts";

/**
 * Handlers of HostService. A method left out is answered with UNIMPLEMENTED.
 *
 * Buffers arrive and leave as `inline`, whatever their size: the carrier sends large ones in frames of their own, without a copy.
 */
export type HostHandlers = Partial<ServiceImpl<typeof HostService>>;
