// The words of explanations of refused licenses.
import type { Schemas } from "./api.js";

/** Who must act. */
export const owners: Record<Schemas["ExplanationOwner"], string> = {
  OWNER_UNSPECIFIED: "not known",
  VIEWER: "the viewer",
  INTEGRATOR: "the team of the app or its back end",
  OPERATOR: "the team of the DRM settings",
  VENDOR: "the vendor",
};

/** Whether another request helps. */
export const retries: Record<Schemas["ExplanationRetryable"], string> = {
  RETRYABLE_UNSPECIFIED: "not known whether it helps",
  NO: "helps only after somebody has acted",
  NEW_REQUEST: "helps with a new request or a new token",
  YES: "may help later",
};

/** How well an explanation is founded. */
export const confidences: Record<Schemas["ExplanationConfidence"], string> = {
  CONFIDENCE_UNSPECIFIED: "nothing is known about the code",
  CONFIRMED: "the vendor’s own words",
  INFERRED_REMEDY: "the meaning is the vendor’s, the remedy is drmhub’s",
  INFERRED: "seen in use, the meaning is a guess",
};
