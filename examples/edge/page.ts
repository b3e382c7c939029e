// Call Python from a page: one call, a stream, a call that is cancelled, and a variable as it changes. Opened as page.html#url=…&token=…
import { connect, isSnakepitError } from "snakepit/client";

const given = new URLSearchParams(location.hash.slice(1));
const pit = connect({ url: given.get("url") ?? location.origin, token: given.get("token") ?? undefined });

/** Runs when a form is sent, and shows what comes of it, or what it fails with. */
function onSubmit(id: string, run: (fields: FormData, show: (text: unknown) => void) => Promise<void>): HTMLFormElement {
  const form = document.querySelector<HTMLFormElement>(`#${id}`)!;
  const show = (text: unknown): void => {
    form.querySelector("output")!.value = String(text);
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    run(new FormData(form), show).catch((error: unknown) => show(isSnakepitError(error) ? error._tag : error));
  });
  return form;
}

onSubmit("add", async (fields, show) => show(await pit.execute("add", { a: Number(fields.get("a")), b: Number(fields.get("b")) })));

onSubmit("words", async (fields, show) => {
  const words: string[] = [];
  for await (const word of pit.executeStream<string>("tokens", { prompt: String(fields.get("prompt")) })) {
    words.push(word);
    show(words.join(" | "));
  }
});

let thinking = new AbortController();
const think = onSubmit("think", async (_fields, show) => {
  thinking = new AbortController();
  show("thinking");
  await pit.execute("think", {}, { signal: thinking.signal });
});
think.querySelector("[type=button]")!.addEventListener("click", () => thinking.abort());

const session = await pit.session("page");
await session.variables.register("temperature", { type: "float", value: 0.7, ifNotExists: true, constraints: { min: 0, max: 2 } });
const temperature = onSubmit("temperature", async (fields) => {
  await session.variables.set("temperature", Number(fields.get("value")));
});
// Whoever changes it: this page, another one, or Python. The watch outlives its connection.
for await (const { value } of session.variables.watch(["temperature"])) temperature.querySelector("output")!.value = String(value);
