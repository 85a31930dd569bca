// Drive the services of the Crate API through Connect's own client in its three protocols, and by hand.

import "./connect_clients.mjs";
import "./connect_by_hand.mjs";

import { run } from "./crate_harness.mjs";

await run();
