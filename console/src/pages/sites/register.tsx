// Registers a FairPlay certificate. drmhub first checks the files against each other, and the form
// shows what it found. Keys and passwords stay in the memory of this form.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { api, ApiError, read, type Schemas } from "../../api.js";
import { ChangeButton, type Options } from "../../change.js";
import { Failure } from "../../show.js";
import { Certificate } from "./fairplay.js";
import type { Place } from "./site.js";
import { Secret, Source } from "./source.js";

type Check =
  | { at: "form" }
  | { at: "checking" }
  | { at: "wrong"; failure: unknown }
  | { at: "right"; certificate: Schemas["FairPlayCertificate"] };

export function Register({ place }: { place: Place }) {
  // Each registration gets a new form, so that nothing of the last one stays.
  const turn = useSignal(0);
  const taken = useSignal(false);
  const done = () => {
    turn.value++;
    taken.value = true;
    place.again();
  };
  return (
    <>
      <h3>Register a certificate</h3>
      {taken.value && (
        <p role="status" class="success">
          The certificate is registered, and the form is empty again. The license server may serve the certificate before it for a while.
        </p>
      )}
      <Form key={turn.value} path={place.path} done={done} />
    </>
  );
}

/** The fields as errors name them. */
const fields = ["certificate", "privateKey", "keyPassword", "applicationSecretKey"];

function Form({ path, done }: { path: Place["path"]; done: () => void }) {
  const certificate = useSignal("");
  const privateKey = useSignal("");
  const keyPassword = useSignal("");
  const applicationSecretKey = useSignal("");
  const check = useSignal<Check>({ at: "form" });
  const form = {
    certificate: certificate.value, privateKey: privateKey.value, keyPassword: keyPassword.value,
    applicationSecretKey: applicationSecretKey.value,
  };
  // A result is about the files that were checked, so a change of the form removes it.
  useEffect(() => {
    check.value = { at: "form" };
  }, Object.values(form));

  const register = (options: Options) => api.POST("/v1/vendors/{vendor}/sites/{site}:registerFairPlayCertificate", {
    params: { path }, body: { ...form, ...options },
  });
  const look = async (event: SubmitEvent) => {
    event.preventDefault();
    const mine: Check = (check.value = { at: "checking" });
    const found = await read(register({ validateOnly: true }))
      .then((certificate): Check => ({ at: "right", certificate }), (failure): Check => ({ at: "wrong", failure }));
    if (check.value === mine) check.value = found;
  };
  const { at } = check.value;
  const failure = check.value.at === "wrong" ? check.value.failure : undefined;
  const violations = failure instanceof ApiError ? failure.violations : [];
  const finding = (field: string) =>
    violations.filter((v) => v.field === field).map((v) => v.description).join("; ") || undefined;
  const placed = violations.length > 0 && violations.every((v) => fields.includes(v.field));
  return (
    <form onSubmit={(event) => void look(event)} autocomplete="off">
      <p class="note">Files and passwords stay on this page until you send them. They are not kept.</p>
      <Source label="Certificate that Apple issued" accept=".der,.cer,.crt,.pem" bytes={certificate} finding={finding("certificate")} />
      <Source label="Its private key" accept=".pem,.key,.der" bytes={privateKey} finding={finding("privateKey")} />
      <div class="fields">
        <Secret label="Password of the private key" value={keyPassword} finding={finding("keyPassword")} />
        <Secret label="Application secret key (ASK)" value={applicationSecretKey} finding={finding("applicationSecretKey")} />
      </div>
      <p class="buttons">
        <button disabled={at === "checking"}>Check</button>
        <ChangeButton
          scope="sites:write"
          disabled={at !== "right"}
          change={() => ({
            title: `Register a FairPlay certificate for ${path.site}`,
            verb: "Register",
            confirm: path.site,
            means: <p>Apple's devices get this certificate. With a wrong one, no Apple device can play content of this site.</p>,
            call: register,
            result: (body) => <Certificate of={body} />,
            done,
          })}
        >Register …</ChangeButton>
      </p>
      {at === "form" && <p class="note">Check the files first. The check sends nothing to the vendor.</p>}
      {at === "checking" && (
        <p role="status" class="note">
          drmhub checks the files against each other … <button type="button" onClick={() => (check.value = { at: "form" })}>Cancel</button>
        </p>
      )}
      {placed ? (
        <p role="alert" class="failure">
          drmhub found {violations.length === 1 ? "a mistake" : "mistakes"}. See the fields above. Nothing was sent.
        </p>
      ) : <Failure of={failure} />}
      {check.value.at === "right" && (
        <div role="status" class="success">
          <p>Certificate and key fit. Nothing was sent yet.</p>
          <Certificate of={check.value.certificate} />
        </div>
      )}
    </form>
  );
}
