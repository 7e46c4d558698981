// `npm run setup`: installs what the lock file names, where it is not there yet, and builds.
import { build, setUp } from "./lib/setup.mjs";

setUp();
build();
