/** `WorkflowService` and `HostAdminService`. */
import { create } from "@bufbuild/protobuf";
import {
  type DrainHostRequest,
  DrainHostResponseSchema,
  type GetWorkflowRequest,
  GetWorkflowResponseSchema,
  type HostAdminService,
  HostInfoSchema,
  type ListHostsRequest,
  ListHostsResponseSchema,
  type ListWorkflowsRequest,
  ListWorkflowsResponseSchema,
  type PauseWorkflowRequest,
  PauseWorkflowResponseSchema,
  type PromoteVersionRequest,
  PromoteVersionResponseSchema,
  type RegisterWorkflowRequest,
  RegisterWorkflowResponseSchema,
  type ResumeWorkflowRequest,
  ResumeWorkflowResponseSchema,
  type WorkflowService,
} from "@cloaca/protocol";
import { encoderOf } from "@cloaca/protocol/codec";
import { CloacaError } from "../core/errors.js";
import { checkDefinition, compileGraph } from "../core/graph.js";
import { nameProblem } from "../core/names.js";
import { didYouMean } from "../core/nearest.js";
import { quote } from "../core/quote.js";
import { forPeople } from "../core/texts.js";
import type { Scheduler } from "../engine/scheduler.js";
import { parsePageToken } from "../store/page-token.js";
import type { SessionView, UpdateWorkflow, WorkflowRecord } from "../store/store.js";
import { definitionProblems, toDefinition } from "./definition-from-wire.js";
import { namespaceOf, orDefault } from "./from-wire.js";
import { pageOf, pageSize } from "./paging.js";
import { hostToWire, workflowToWire } from "./runs-to-wire.js";
import type { MethodsOf } from "./service-methods.js";

const encodeHost = encoderOf(HostInfoSchema);
/** Tag and length of a message in a list; a length below 2^28 has 4 bytes. */
const FIELD_BYTES = 5;

export class WorkflowServiceRpc implements MethodsOf<typeof WorkflowService> {
  constructor(readonly scheduler: Scheduler) {}

  async registerWorkflow(request: RegisterWorkflowRequest) {
    const namespace = orDefault(request.namespace);
    const wire = request.definition;
    if (wire === undefined) throw new CloacaError("REQUEST_INVALID", "definition is missing");
    const wrongNamespace = nameProblem(namespace);
    const problems = wrongNamespace === null ? [] : [{ field: "namespace", description: wrongNamespace }];
    const definition = toDefinition(wire);
    const { maxTasks } = this.scheduler.options.limits;
    problems.push(...definitionProblems(wire, "definition"), ...checkDefinition(definition, "definition", maxTasks));
    if (problems.length > 0) throw CloacaError.fromProblems("DEFINITION_INVALID", `workflow "${wire.name}"`, problems);
    const record = await this.scheduler.registerWorkflow(namespace, compileGraph(definition, maxTasks));
    return create(RegisterWorkflowResponseSchema, { workflow: workflowToWire(record, false) });
  }

  async getWorkflow({ namespace, name, version }: GetWorkflowRequest) {
    const record = await this.scheduler.store.readWorkflow(namespaceOf(namespace), name, version);
    if (record === null) {
      const what = version === "" ? `workflow ${quote(name)}` : `version ${quote(version)} of workflow ${quote(name)}`;
      const code = version === "" ? "WORKFLOW_NOT_FOUND" : "WORKFLOW_VERSION_NOT_FOUND";
      throw new CloacaError(code, `namespace ${quote(namespaceOf(namespace))} has no ${what}`);
    }
    return create(GetWorkflowResponseSchema, { workflow: workflowToWire(record, true) });
  }

  async pauseWorkflow({ namespace, name }: PauseWorkflowRequest) {
    const record = await this.#update({ namespace: namespaceOf(namespace), workflow: name, paused: true });
    return create(PauseWorkflowResponseSchema, { workflow: workflowToWire(record, false) });
  }

  async resumeWorkflow({ namespace, name }: ResumeWorkflowRequest) {
    const record = await this.#update({ namespace: namespaceOf(namespace), workflow: name, paused: false });
    return create(ResumeWorkflowResponseSchema, { workflow: workflowToWire(record, false) });
  }

  async promoteVersion({ namespace, name, version }: PromoteVersionRequest) {
    const record = await this.#update({ namespace: namespaceOf(namespace), workflow: name, promote: version });
    return create(PromoteVersionResponseSchema, { workflow: workflowToWire(record, false) });
  }

  #update(item: UpdateWorkflow): Promise<WorkflowRecord> {
    return this.scheduler.updateWorkflow(item);
  }

  async listWorkflows(request: ListWorkflowsRequest) {
    const size = pageSize(request.pageSize, 100);
    const page = await this.scheduler.store.listWorkflows(namespaceOf(request.namespace), size, request.pageToken);
    return create(ListWorkflowsResponseSchema, {
      workflows: page.items.map((record) => workflowToWire(record, false)),
      nextPageToken: page.nextPageToken,
    });
  }
}

export class HostAdminServiceRpc implements MethodsOf<typeof HostAdminService> {
  constructor(readonly scheduler: Scheduler) {}

  async listHosts(request: ListHostsRequest) {
    const hosts = this.#hosts(request.namespace);
    const from = request.pageToken === "" ? 0 : parsePageToken(request.pageToken);
    const bytesOf = (view: SessionView): number => FIELD_BYTES + encodeHost(this.#toWire(view)).length;
    const page = pageOf(hosts, from, pageSize(request.pageSize, 100), bytesOf);
    return create(ListHostsResponseSchema, {
      hosts: page.items.map((view) => this.#toWire(view)),
      nextPageToken: page.nextPageToken,
    });
  }

  async drainHost({ namespace, hostId, graceMs, reason }: DrainHostRequest) {
    const hosts = this.#hosts(namespace);
    const host = hosts.find((h) => h.session.spec.hostId === hostId);
    if (host === undefined) {
      const near = didYouMean(
        hostId,
        hosts.map((h) => h.session.spec.hostId),
      );
      throw new CloacaError(
        "HOST_NOT_FOUND",
        `namespace ${quote(namespaceOf(namespace))} has no live host ${quote(hostId)}${near}`,
      );
    }
    await this.scheduler.drainHost(host.session.id, graceMs, forPeople(reason));
    const after = this.#hosts(namespace).find((h) => h.session.id === host.session.id) ?? host;
    return create(DrainHostResponseSchema, { host: this.#toWire(after) });
  }

  #hosts(namespace: string): SessionView[] {
    const hosts = [...this.scheduler.store.listSessions(namespaceOf(namespace))];
    return hosts.sort((a, b) => (a.session.spec.hostId < b.session.spec.hostId ? -1 : 1));
  }

  #toWire(view: SessionView) {
    const connection = this.scheduler.connections.of(view.session.id);
    return hostToWire(view, connection, this.scheduler.options.clock.now());
  }
}
