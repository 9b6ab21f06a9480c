import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";

const BLOCK_BYTES = 512;

/** A tar archive that holds one program (POSIX ustar), as it is read from the disk. */
export async function* programArchive(path: string, nameInArchive: string): AsyncGenerator<Buffer> {
  const { size } = await stat(path);
  yield header(nameInArchive, size);
  for await (const chunk of createReadStream(path)) yield chunk as Buffer;
  yield Buffer.alloc((BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES);
  yield Buffer.alloc(2 * BLOCK_BYTES);
}

/** An archive of one empty file: an image of it holds nothing. */
export async function* emptyArchive(): AsyncGenerator<Buffer> {
  yield header("odysseus", 0);
  yield Buffer.alloc(2 * BLOCK_BYTES);
}

function header(name: string, sizeBytes: number): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, offset: number, length: number): void => {
    block.write(`${value.toString(8).padStart(length - 1, "0")}\0`, offset, "latin1");
  };
  block.write(name, 0);
  octal(0o755, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(sizeBytes, 124, 12);
  octal(0, 136, 12);
  block.fill(" ", 148, 156);
  block.write("0", 156);
  block.write("ustar\u000000", 257, "latin1");
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}
