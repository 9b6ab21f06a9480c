import type { Draft, Spec } from "./draft.ts";
import { different, type FieldTable, honoured, passedOver, readFields, type Rule } from "./fields.ts";
import { decimalBytes, sizeBytes } from "./quantities.ts";
import type { Place, Reading } from "./reading.ts";

type Logging = { -readonly [Key in keyof NonNullable<Spec["logging"]>]: NonNullable<Spec["logging"]>[Key] };

interface Wanted extends Logging {
  nonBlocking?: boolean;
  bufferAt?: Place;
}

/** The engine's own when output may not make the process wait. */
const BUFFER_BYTES = 1_000_000;

const unread = (): Rule<unknown> =>
  passedOver("It only adds words to the engine's own files, which odysseus logs does not show.", "leave it out.");

const options: FieldTable<Wanted> = {
  "max-size": different("A file without a bound is refused: it would fill the node's disk.", (reading, at, logging) => {
    if (reading.text(at) === "-1")
      return reading.refuse(at, "A file without a bound would fill the node's disk.", 'write a size, like "10m".');
    const bytes = reading.amount(at, decimalBytes, "10m");
    if (bytes !== undefined) logging.maxFileBytes = bytes;
  }),
  "max-file": honoured((reading, at, logging) => {
    const files = reading.wholeNumber(at);
    if (files !== undefined) logging.maxFiles = files;
  }),
  compress: honoured((reading, at, logging) => {
    const compressed = reading.flag(at);
    if (compressed !== undefined) logging.compressed = compressed;
  }),
  mode: honoured((reading, at, logging) => {
    logging.nonBlocking = reading.oneOf(at, ["blocking", "non-blocking"]) === "non-blocking";
  }),
  "max-buffer-size": honoured((reading, at, logging) => {
    const bytes = reading.amount(at, sizeBytes, "1m");
    logging.bufferAt = at;
    if (bytes !== undefined) logging.bufferBytes = bytes;
  }),
  labels: unread(),
  "labels-regex": unread(),
  env: unread(),
  "env-regex": unread(),
  tag: unread(),
};

const fields: FieldTable<Wanted> = {
  driver: different(
    "json-file and local; with none, output is kept all the same; any other driver is refused: output is read on the node, also as evidence of why a replica ended.",
    (reading, at, logging) => {
      const driver = reading.text(at);
      if (driver === "json-file" || driver === "local") logging.driver = driver;
      else if (driver === "none")
        reading.differs(at, "Output is kept all the same, within its bounds: it is the evidence of why a replica ended.", "leave it out.");
      else if (driver !== undefined && driver !== "")
        reading.refuse(
          at,
          `Output cannot be sent to ${driver}: it is read on the node, also as evidence of why a replica ended.`,
          "leave it out and read it with odysseus logs.",
        );
    },
  ),
  options: honoured((reading, at, logging) => readFields(reading, at, options, logging), options),
};

/** `logging` of a service. */
export const loggingRule: Rule<Draft> = different(
  "Without options, three files of 10 MB are kept of a container's output.",
  (reading: Reading, place, draft) => {
    const wanted: Wanted = {};
    readFields(reading, place, fields, wanted);
    const { nonBlocking, bufferAt, ...logging } = wanted;
    if (nonBlocking === true) logging.bufferBytes ??= BUFFER_BYTES;
    else if (bufferAt !== undefined) {
      delete logging.bufferBytes;
      reading.differs(bufferAt, "A buffer has no effect while output may make the process wait.", "write mode: non-blocking beside it.");
    }
    draft.set("logging", Object.keys(logging).length === 0 ? undefined : logging, place);
  },
  fields,
);
