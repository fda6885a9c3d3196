import type { EditListener } from "../../certs/ca-bundle.ts";
import type { EventRecorder } from "../coordinator/events.ts";

/** What an Event may say: the limit of events.k8s.io, in characters. */
const LONGEST_MESSAGE = 1024;

/** Tells of an edited registration by an Event on it, by one of the replicas: the one that `speaks`. */
export function registrationEvents(events: EventRecorder, speaks: () => boolean): EditListener {
  return ({ apiVersion = "", kind = "", metadata: { name, uid = "" } }, differences) => {
    if (!speaks()) return;
    const subject = { apiVersion, kind, namespace: "", name, uid };
    if (differences.length === 0) {
      events.emit(subject, "Normal", "RegistrationMended", "It is as it was installed again");
    } else {
      const message = `It is not as it was installed: ${differences.join("; ")}`;
      events.emit(subject, "Warning", "RegistrationEdited", message.slice(0, LONGEST_MESSAGE));
    }
  };
}
