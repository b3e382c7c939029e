/** What the exit codes of the command line mean. docs/cli.md lists them. */
export const exitCodes = {
  /** It did what it was asked. */
  ok: 0,
  /**
   * The tool or the call failed, `doctor` found something missing or left behind, there is no such pit, worker or token, or a gateway did not let in or did
   * not answer.
   */
  failed: 1,
  /** The command was used wrongly: an unknown flag, flags that do not go together, arguments that are no JSON object. */
  usage: 2,
  /** There is no Python that fits, or its packages are missing. */
  environment: 3,
} as const;

/** One of {@link exitCodes}. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
