/** Why each problem matters, by its code: the one place of these words. */
export const WHY = {
  ApiServerUnreachable:
    "Nothing else can be looked at, and no controller can claim a host through this API server either.",
  NotReadable: "What can't be read can't be judged; the rest of the report stands without it.",

  LeaseMissing:
    "Nobody leads, so every claim goes the optimistic way: no double holding, but no order by priority and nobody who hands out hosts that become free.",
  LeaseNotHeld:
    "Nobody leads, so every claim goes the optimistic way: no double holding, but no order by priority and nobody who hands out hosts that become free.",
  LeaseNotRenewed:
    "A holder that does not renew is dead, frozen or cut off. Until the Lease runs out every claim is left to it, and nothing is bound.",
  HolderWithoutPod:
    "Only a requester whose pod has the holder's name counts as the holder. If there is no such pod, every claim is delegated to somebody who can never claim.",
  LeadershipUnstable:
    "Each change of the leader interrupts the binding of hosts. Frequent ones come from timings too short for this API server, or from replicas that are restarted or starved of CPU.",

  NoReplicas:
    "Nobody reviews claims: with failurePolicy Fail all of them are refused, with Ignore none is checked.",
  ReplicaNotReady:
    "A replica is ready while its mirrors are current and its certificate is valid; one that is not gets no reviews.",
  FlagsRefused: "A replica with these arguments does not start.",
  FlagsDiffer:
    "Replicas that disagree decide by different rules. During a rollout that passes; where they name different Leases, two of them lead at once and claims conflict.",
  NobodyStands:
    "No replica stands for election, so nobody ever leads and every claim goes the optimistic way.",
  IdentityShared:
    "Replicas that look alike can't be told apart by the Lease: each takes the other's term for its own, and two of them lead at once.",
  TokenNotBound:
    "The holder is recognised by the pod that its token is bound to. Without one nobody is, and under such a leader no claim passes.",

  RightMissing: "The service can't do a part of its work, and says so only in its log when it gets there.",
  RightsNotChecked: "A missing right stays unnoticed until the service needs it.",

  RegistrationMissing:
    "The API server asks nobody about claims: they are neither ordered nor kept to one host each.",
  RegistrationEdited:
    "The API server sends other writes than the service expects, or treats its silence in another way; the service reports such edits and leaves them alone.",
  WebhookUnreachable:
    "With failurePolicy Fail every claim is refused, with Ignore every claim passes unchecked, steals included.",
  WebhookCannotJudge:
    "Claims are refused with a retriable reason while the replicas do not know the cluster, or can't read the Lease.",

  CaBundleMissing: "The API server does not trust the service's certificate, so every review fails.",
  CaBundleMismatch: "The API server does not trust the certificate that is served, so every review fails.",
  CertificateMissing: "Without a certificate no replica can serve reviews.",
  CertificateExpired: "The API server refuses an expired certificate, so every review fails.",
  CertificateNotRenewed:
    "It should have been renewed at two thirds of its life; when it expires every review fails.",
  CertificateNameMismatch:
    "The API server calls the service by a name that the certificate does not cover, so every review fails.",

  ClockSkew:
    "Leases are judged by each process's own clock and tolerate this. Certificates, tokens, receipts and times in logs and status don't.",

  RequestsNotServed:
    "Without ClaimRequests there is no queue and no binding: each host is protected, but one machine can get two hosts.",
  HostsNotServed: "There is no kind of host to coordinate.",
  ClaimsRejected:
    "These claims met another one or a rule. A few are the service at work; many of one reason point at a controller that does not follow it.",
  NothingFits:
    "It waits until a host that fits is added or its requirements change; it blocks nobody meanwhile.",
  HostNotGiven:
    "A host is free for it and somebody leads, and yet it was not bound while this command looked: the leader's processor may be stuck.",
  RequestMisnamed:
    "A consumer has one request, named after it; any other one is ignored, so what it asks for is never given.",

  ConsumerHoldsSeveral:
    "One machine needs one host. The others are lost to everybody else until somebody releases them.",
  ConsumerMissing: "A host held by nobody is lost to everybody until somebody releases it.",
  HostClaimedAtArrival:
    "Claims in a create (a restore, a move between clusters) are not reviewed, so nobody checked that this consumer has no other host.",
  MalformedAnnotation:
    "What can't be read counts as absent, so the machine waits for less, or with another priority, than was meant.",

  MirrorStale: "A replica that knows old states of hosts and claims refuses to judge once they are too old.",
  ReviewsFailing:
    "Claims are refused with a retriable reason although nothing is wrong with them; the reason says what the service lacks.",
  SeveralLead:
    "Two leaders hand out hosts side by side. For a moment while the Lease changes hands that can be seen without being so; if it stays, they hold different Leases.",
  VersionsDiffer:
    "During a rollout replicas of two versions work side by side; one that is left over from an earlier one decides by earlier rules.",
  HolderUnmatched: "Every claim is delegated to somebody who has never claimed anything.",
} as const satisfies Record<string, string>;
