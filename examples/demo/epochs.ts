/** Shows epochs as they come: a progress bar on a terminal, a line each otherwise. */
import { SingleBar } from "cli-progress";

/** One item of the tool `train`. */
export interface Epoch {
  readonly epoch: number;
  readonly loss: number;
  readonly accuracy: number;
}

const figures = ({ loss, accuracy }: Epoch): string => `loss ${loss.toFixed(3)}  held out ${(accuracy * 100).toFixed(1)} %`;

/** Reads all epochs. */
export async function showEpochs(epochs: AsyncIterable<Epoch>, total: number): Promise<void> {
  if (!process.stdout.isTTY) {
    for await (const epoch of epochs) console.log(`  epoch ${String(epoch.epoch).padStart(2)} of ${total}  ${figures(epoch)}`);
    return;
  }
  const bar = new SingleBar({ format: "  {bar} epoch {value} of {total}  {figures}", barsize: 30, stream: process.stdout, fps: 30 });
  bar.start(total, 0, { figures: "" });
  try {
    for await (const epoch of epochs) bar.update(epoch.epoch, { figures: figures(epoch) });
  } finally {
    bar.stop();
  }
}
