/** Tells programs such as grpcurl which services there are and what their messages look like. */
import { type DescFile, type DescMessage, type DescService, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code, type ConnectRouter } from "@connectrpc/connect";
import { ServerReflection, type ServerReflectionRequest } from "../../gen/grpc/reflection/v1/reflection_pb.ts";

type Answer = ReturnType<typeof failed> | ReturnType<typeof found> | ReturnType<typeof listed>;

/** Adds `grpc.reflection.v1.ServerReflection` to the router, which tells of the services that are there already and of itself. */
export function addReflection(router: ConnectRouter): void {
  const services = new Set(router.handlers.map(({ service }) => service)).add(ServerReflection);
  const files = new Map<string, DescFile>();
  const symbols = new Map<string, DescFile>();
  for (const { file } of services) index(file, files, symbols);

  function answer({ messageRequest: asked }: ServerReflectionRequest): Answer {
    switch (asked.case) {
      case "listServices":
        return listed(services);
      case "fileByFilename":
        return found(files.get(asked.value), asked.value);
      case "fileContainingSymbol":
        return found(symbols.get(asked.value), asked.value);
      default:
        return failed(Code.Unimplemented, "there are no extensions");
    }
  }

  router.service(ServerReflection, {
    async *serverReflectionInfo(requests) {
      for await (const request of requests) yield { validHost: request.host, originalRequest: request, messageResponse: answer(request) };
    },
  });
}

/** Notes a file, what it depends on, and all that they define. */
function index(file: DescFile, files: Map<string, DescFile>, symbols: Map<string, DescFile>): void {
  const name = `${file.name}.proto`;
  if (files.has(name)) return;
  files.set(name, file);
  const note = (symbol: string) => symbols.set(symbol, file);
  const noteMessage = (message: DescMessage) => {
    note(message.typeName);
    for (const { typeName } of message.nestedEnums) note(typeName);
    message.nestedMessages.forEach(noteMessage);
  };
  for (const { typeName } of file.enums) note(typeName);
  file.messages.forEach(noteMessage);
  for (const service of file.services) {
    note(service.typeName);
    for (const method of service.methods) note(`${service.typeName}.${method.name}`);
  }
  for (const dependency of file.dependencies) index(dependency, files, symbols);
}

/** A file comes with all that it depends on, so that nobody has to ask for each. */
function found(file: DescFile | undefined, name: string) {
  if (file === undefined) return failed(Code.NotFound, `there is no ${name}`);
  const all = new Map<string, DescFile>();
  index(file, all, new Map());
  return {
    case: "fileDescriptorResponse" as const,
    value: { fileDescriptorProto: [...all.values()].map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto)) },
  };
}

const listed = (services: ReadonlySet<DescService>) => ({
  case: "listServicesResponse" as const,
  value: { service: [...services].map(({ typeName: name }) => ({ name })) },
});

const failed = (errorCode: Code, errorMessage: string) => ({ case: "errorResponse" as const, value: { errorCode, errorMessage } });
