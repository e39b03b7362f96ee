// How a checker is used. That its verdicts are the server's is held by the test of the agreement, in templates/typescript.
import { expect, test } from "vitest";
import { checks } from "../../../testdata/agreement/chat.check.ts";
import { checks as strict } from "../../../testdata/agreement/strict.check.ts";

const { send_message } = checks.channels.Room.pushes;

test("a value is checked as JSON.stringify writes it", () => {
  expect(send_message.payload({ body: "hello", attachment: undefined })).toBeUndefined();
  expect(send_message.payload({ body: "" })).toEqual({ path: "/body", message: "must have 1 to 2000 characters" });
  expect(send_message.payload({ body: "\ud800" })).toEqual({ path: "/body", message: "is not valid Unicode: a lone surrogate" });
  expect(send_message.payload(undefined)).toEqual({ path: "", message: "must be an object" });
});

test("text and bytes are checked as they stand on the wire", () => {
  const twice = '{"body":"a","body":"b"}';
  const problem = { path: "/body", message: "must not be there twice" };
  expect(send_message.payload.text(twice)).toEqual(problem);
  expect(send_message.payload.text(new TextEncoder().encode(twice))).toEqual(problem);
  expect(send_message.payload.text('{"body":"😀\\ud83d\\ude00"}')).toBeUndefined();
  expect(send_message.payload.text('{"body":"\ud800"}')).toEqual({ path: "/body", message: "is not valid UTF-8" });
});

test("join params that are null are absent", () => {
  expect(checks.channels.Room.join.payload(null)).toBeUndefined();
  expect(checks.channels.Room.join.reply(null)).toEqual({ path: "", message: "must be an object" });
});

test("a reply that the schema does not have is any object", () => {
  expect(checks.channels.Room.pushes.set_typing.reply({ any: 1 })).toBeUndefined();
  expect(checks.channels.Room.pushes.set_typing.reply([])).toEqual({ path: "", message: "must be an object" });
});

test("members that the schema does not have are refused where it is strict", () => {
  expect(checks.connect({ name: "ada", age: 36 })).toBeUndefined();
  expect(strict.connect({ key: "k", age: 36 })).toEqual({ path: "/age", message: "is not a member of this object" });
});
