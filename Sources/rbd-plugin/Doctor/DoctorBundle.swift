import Doctor
import EtcdClient
import FoundationEssentials
import Glibc
import NodeStorage
import PluginConfiguration
import RBDDriver
import VolumeCore

/// All that an engineer needs to see of a node, in one archive, without secrets.
struct DoctorBundle: Sendable {
    let visit: DoctorVisit
    let examination: Examination
    /// Below which folder the plugin mounts volumes.
    let mountRoot: String

    private static let limit = Duration.seconds(10)
    private static let logLines = "2000"
    private let runner = ChildProcess(clock: SystemClock())

    /// Gathers everything and writes it to a new file that only its owner can read.
    /// - Throws: `Failed` when it cannot be written. Nothing is left then.
    func write(to path: String) async throws {
        let secrets = SecretsInText(await InTime.ofBlocking(Self.limit) { KnownSecrets.all() } ?? [])
        let name = "rbd-plugin-doctor-\(node)"
        let folder = try PrivateFile.makeTemporaryDirectory("rbd-plugin-bundle")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try PrivateFile.makeDirectory("\(folder)/\(name)")
        for (file, text) in await content() {
            let cleared = KeysInText.removed(from: secrets.removed(from: text))
            try PrivateFile.write(cleared, to: "\(folder)/\(name)/\(file)")
        }
        try await archive(name, in: folder, to: path)
    }

    private var node: String {
        let name = visit.read.node?.identity.node ?? "node"
        return name.contains("/") ? "node" : name
    }

    // MARK: What is in it

    /// Each file with its text.
    private func content() async -> [(file: String, text: String)] {
        async let records = inTime { await self.records() }
        async let mounts = inTime { await self.mounts() }
        async let devices = inTime { await self.devices() }
        async let log = inTime { await self.log() }
        async let versions = inTime { await self.versions() }
        let sockets = await self.sockets()
        let settings = SettingDescription.shown(of: OperatorEnvironment.variables).map {
            "\($0.name)=\($0.value)"
        }
        let json = try? ExaminationJSON(examination, version: Version.text, node: node).text()
        return [
            ("doctor.txt", examination.text(isColoured: false)), ("doctor.json", json ?? ""),
            ("settings.txt", settings.joined(separator: "\n") + "\n"), ("versions.txt", await versions),
            ("records.txt", await records), ("mounts.txt", await mounts), ("rbd-devices.txt", await devices),
            ("log.txt", await log),
        ] + sockets
    }

    private func inTime(_ work: @escaping @Sendable () async -> String) async -> String {
        await InTime.of(Self.limit, work) ?? "not gathered: it took too long\n"
    }

    private func versions() async -> String {
        let system = try? await visit.survey.text(of: "/etc/os-release")
        let kernel = try? await visit.survey.text(of: "/proc/version")
        return "rbd-plugin \(Version.text)\n\(kernel ?? "")\(system ?? "")"
    }

    /// A line each: key, revision and value.
    private func records() async -> String {
        guard let etcd = visit.etcd, let prefix = visit.read.etcd?.prefix else { return "not gathered: no etcd\n" }
        do throws(EtcdError) {
            let listed = try await etcd.list(prefix: prefix, timeout: Self.limit)
            let lines = listed.kvs.map { "\($0.key) \($0.modRevision) \(String(decoding: $0.value, as: UTF8.self))" }
            return "revision \(listed.revision)\n" + lines.joined(separator: "\n") + "\n"
        } catch {
            return "not gathered: \(error.reason)\n"
        }
    }

    /// Of the volumes, the plugin's own and a managed plugin's.
    private func mounts() async -> String {
        let all = (try? await visit.survey.text(of: "/proc/self/mountinfo")) ?? ""
        let ours = all.split(separator: "\n").filter {
            $0.contains(" \(mountRoot)/") || $0.contains("/propagated-mount/")
        }
        return ours.map { $0 + "\n" }.joined()
    }

    private func devices() async -> String {
        do {
            return try await visit.survey.devices().map { $0 + "\n" }.joined()
        } catch {
            return "not gathered: \(error)\n"
        }
    }

    /// What the journal has of the plugin, as a service and as a managed plugin.
    private func log() async -> String {
        let own = await journal(["-u", "rbd-plugin"])
        let managed = await journal(["-u", "docker"]).split(separator: "\n").filter { $0.contains(" plugin=") }
        return own + managed.map { $0 + "\n" }.joined()
    }

    private func journal(_ unit: [String]) async -> String {
        let command = Command(
            Tool("journalctl", package: "systemd"), unit + ["--no-pager", "-n", Self.logLines], outputLimit: 8 << 20)
        do {
            let result = try await runner.run(command, to: "read the journal")
            return result.succeeded ? result.output : "not gathered: \(result.reason(of: command.tool))\n"
        } catch {
            return "not gathered: \(error)\n"
        }
    }

    private func sockets() async -> [(file: String, text: String)] {
        var files: [(String, String)] = []
        for (number, socket) in await DockerProbe(survey: visit.survey, socket: visit.socket).sockets().enumerated() {
            files.append(("health-\(number).json", "\(String(decoding: socket.health, as: UTF8.self))\n"))
            let metrics = await SocketRequest.get("/metrics", from: socket.seen.path, within: .seconds(5))
            guard case .answered(let answer) = metrics else { continue }
            files.append(("metrics-\(number).txt", String(decoding: answer.body, as: UTF8.self)))
        }
        return files
    }

    // MARK: The archive

    private func archive(_ name: String, in folder: String, to path: String) async throws {
        // Made here, so that nobody else can ever read it.
        let place = try Caller.path(path)
        let descriptor = open(place, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw PrivateFile.Failure(path: path, code: errno) }
        defer { close(descriptor) }
        do {
            // Not --gzip, for which tar needs a shell: a managed plugin has none.
            let tar = Command(
                Tool("tar", package: "tar"), ["--create", "--file", "\(folder)/tar", "--directory", folder, name])
            try await runner.succeed(tar, to: "write \(path)")
            try await runner.succeed(
                Command(Tool("gzip", package: "gzip"), ["--no-name", "\(folder)/tar"]), to: "write \(path)")
            let bytes = [UInt8](try Data(contentsOf: URL(filePath: "\(folder)/tar.gz")))
            guard Output.write(bytes, to: descriptor) else { throw PrivateFile.Failure(path: path, code: errno) }
        } catch {
            unlink(place)
            throw error
        }
    }
}
