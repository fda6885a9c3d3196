import packageJson from "../package.json" with { type: "json" };

/** Of this program, as in package.json; the bundler puts it into the single file. */
export const VERSION: string = packageJson.version;
