import { expect, test } from "vitest";
import { GivenFile } from "../../../actors/deployment/file-contract.ts";
import { type FolderFile, folderBytes, folderOf, MAX_FOLDER_BYTES, MAX_FOLDER_FILES } from "../../../actors/deployment/folder-contract.ts";
import { MAX_FILE_BYTES } from "../../../actors/deployment/file-contract.ts";

const file = (path: string, value = ""): FolderFile => ({ path, value, isProgram: false });
const folder = (value: Uint8Array, more: object = {}): boolean =>
  GivenFile.safeParse({ kind: "folder", name: "conf", target: "/conf", value: Buffer.from(value).toString("base64"), ...more }).success;

test("the same files are the same content, in whatever order they were found", () => {
  const [one, other] = [file("a/b", "eA=="), file("b")];
  expect(folderBytes([one, other])).toEqual(folderBytes([other, one]));
  expect(folderOf(folderBytes([other, one]))).toEqual([one, other]);
});

test.each([["../up"], ["/whole"], ["a//b"], ["a/./b"], ["a/.."], [""]])("a path that leads elsewhere is none of a folder: %s", (path) => {
  expect(folderOf(folderBytes([file(path)]))).toBeUndefined();
});

test("two files are never at one place, and none is in another one", () => {
  expect(folderOf(folderBytes([file("a"), file("a")]))).toBeUndefined();
  expect(folderOf(folderBytes([file("a"), file("a-b"), file("a/b")]))).toBeUndefined();
  expect(folderOf(folderBytes([file("a"), file("a-b"), file("b/a")]))).toHaveLength(3);
});

test("a folder is given with files, and without a mode of its own", () => {
  expect(folder(folderBytes([file("a")]))).toBe(true);
  expect(folder(folderBytes([file("a")]), { mode: 0o400 })).toBe(false);
  expect(folder(folderBytes([]))).toBe(false);
  expect(folder(Buffer.from("{"))).toBe(false);
});

test("the most files, with the longest names and all of their bytes, are one content", () => {
  const each = Buffer.alloc(Math.floor(MAX_FOLDER_BYTES / MAX_FOLDER_FILES)).toString("base64");
  const files = Array.from({ length: MAX_FOLDER_FILES }, (_, index) => file(String(index).padStart(200, "x"), each));
  expect(folderBytes(files).length).toBeLessThanOrEqual(MAX_FILE_BYTES);
  expect(folderOf(folderBytes(files))).toHaveLength(MAX_FOLDER_FILES);
});
