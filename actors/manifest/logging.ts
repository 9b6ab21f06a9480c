import type { Draft, Spec } from "./draft.ts";
import { different, type FieldTable, honoured, passedOver, readFields, type Rule } from "./fields.ts";
import { decimalBytes, sizeBytes } from "./quantities.ts";
import type { Place, Reading } from "./reading.ts";

type Logging = { -readonly [Key in keyof NonNullable<Spec["logging"]>]: NonNullable<Spec["logging"]>[Key] };

interface Wanted extends Logging {
  nonBlocking?: boolean;
  bufferAt?: Place;
  otherDriver?: string;
  optionsAt?: Place;
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
    "json-file and local; with any other, and with none, output is kept on the node all the same, as evidence of why a replica ended.",
    (reading, at, logging) => {
      const driver = reading.text(at);
      if (driver === "json-file" || driver === "local") logging.driver = driver;
      else if (driver === "none")
        reading.differs(at, "Output is kept all the same, within its bounds: it is the evidence of why a replica ended.", "leave it out.");
      else if (driver !== undefined && driver !== "") {
        logging.otherDriver = driver;
        reading.differs(
          at,
          `Output is not sent to ${driver}: it is kept on the node, where odysseus logs reads it.`,
          "leave it out, or collect it on the nodes.",
        );
      }
    },
  ),
  options: honoured((reading, at, logging) => {
    logging.optionsAt = at;
  }, options),
};

/** `logging` of a service. */
export const loggingRule: Rule<Draft> = different(
  "Without options, three files of 10 MB are kept of a container's output.",
  (reading: Reading, place, draft) => {
    const wanted: Wanted = {};
    readFields(reading, place, fields, wanted);
    // Those of a driver that is not used are said with it.
    if (wanted.optionsAt !== undefined && wanted.otherDriver === undefined) readFields(reading, wanted.optionsAt, options, wanted);
    const { nonBlocking, bufferAt, otherDriver: _notUsed, optionsAt: _read, ...logging } = wanted;
    if (nonBlocking === true) logging.bufferBytes ??= BUFFER_BYTES;
    else if (bufferAt !== undefined) {
      delete logging.bufferBytes;
      reading.differs(bufferAt, "A buffer has no effect while output may make the process wait.", "write mode: non-blocking beside it.");
    }
    draft.set("logging", Object.keys(logging).length === 0 ? undefined : logging, place);
  },
  fields,
);
