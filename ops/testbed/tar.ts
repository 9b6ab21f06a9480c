/** An entry of a tar archive. Directories end in a slash; owner is root and the time is zero, so that equal content is equal bytes. */
export type TarEntry =
  | { readonly kind: "file"; readonly path: string; readonly content: Buffer; readonly mode: number }
  | { readonly kind: "directory"; readonly path: string; readonly mode: number }
  | { readonly kind: "symlink"; readonly path: string; readonly target: string };

const BLOCK_BYTES = 512;
const TYPE_FLAG = { file: "0", symlink: "2", directory: "5" } as const;

/** A POSIX ustar archive; paths are at most 100 bytes. */
export function tar(entries: readonly TarEntry[]): Buffer {
  return Buffer.concat([...entries.flatMap(record), Buffer.alloc(2 * BLOCK_BYTES)]);
}

function record(entry: TarEntry): readonly Buffer[] {
  const content = entry.kind === "file" ? entry.content : Buffer.alloc(0);
  const padding = (BLOCK_BYTES - (content.length % BLOCK_BYTES)) % BLOCK_BYTES;
  return [header(entry, content.length), content, Buffer.alloc(padding)];
}

function header(entry: TarEntry, sizeBytes: number): Buffer {
  if (Buffer.byteLength(entry.path) > 100) throw new Error(`path too long for a ustar archive: ${entry.path}`);
  const block = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, offset: number, length: number): number =>
    block.write(`${value.toString(8).padStart(length - 1, "0")}\0`, offset, "latin1");
  block.write(entry.path, 0);
  octal(entry.kind === "symlink" ? 0o777 : entry.mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(sizeBytes, 124, 12);
  octal(0, 136, 12);
  block.fill(" ", 148, 156);
  block.write(TYPE_FLAG[entry.kind], 156);
  if (entry.kind === "symlink") block.write(entry.target, 157);
  block.write("ustar\u000000", 257, "latin1");
  block.write("root", 265);
  block.write("root", 297);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}
