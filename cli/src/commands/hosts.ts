/** `hosts` and `drain`. */
import { Command, Option } from "commander";
import { hostJson } from "../json/shapes.js";
import { wholeNumber } from "../options.js";
import { runCommand, type Session } from "../session.js";
import { hostState, hostsTable } from "../views/tables.js";

export function hostsCommand(): Command {
  return new Command("hosts")
    .description("list the hosts that are alive, with their slots")
    .action((_flags: unknown, command: Command) => runCommand(command, listHosts));
}

interface DrainFlags {
  readonly graceMs: number;
  readonly reason?: string;
}

export function drainCommand(): Command {
  return new Command("drain")
    .description("drain a host: it gets nothing new, and ends what it has")
    .argument("<host>", "its name")
    .addOption(
      new Option("--grace-ms <ms>", "what is deferred is handed back after this time")
        .default(60_000)
        .argParser(wholeNumber(0, 2_147_483_647)),
    )
    .option("--reason <text>", "why, for people")
    .action((hostId: string, flags: DrainFlags, command: Command) =>
      runCommand(command, (session) => drain(session, hostId, flags)),
    );
}

async function listHosts(session: Session): Promise<void> {
  const hosts = await session.client.hosts();
  session.show(
    () => ({ hosts: hosts.map(hostJson) }),
    () => {
      if (hosts.length > 0) return hostsTable(hosts, { width: session.screen.width, now: Date.now() });
      const hint = { what: "see the workflows that wait for one", command: "cloaca workflows" };
      return [
        [["no host is alive: start a program with new Host({ url }).register(workflow).run()", "dim"]],
        ...session.next([hint]),
      ];
    },
  );
}

async function drain(session: Session, hostId: string, { graceMs, reason = "" }: DrainFlags): Promise<void> {
  const host = await session.client.drainHost(hostId, { graceMs, reason });
  session.show(
    () => ({ host: hostJson(host) }),
    () => [
      [
        hostState(host),
        "  ",
        [host.hostId, "bold"],
        `  ${host.held} of ${host.slots} slots held, ${host.deferred} deferred`,
      ],
      ...session.next([{ what: "see how it goes", command: "cloaca hosts" }]),
    ],
  );
}
