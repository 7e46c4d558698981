// `npm run setup`: installs what the lock file names.
import { setUp } from "./lib/setup.mjs";

setUp();
