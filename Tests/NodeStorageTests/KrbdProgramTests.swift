import Glibc
import RealParts
import Testing
import VolumeCore

@testable import NodeStorage

/// `rbd-plugin-kernel` itself, as the plugin runs it, with a folder in place of sysfs. What only the kernel's driver can
/// show is among the tests in virtual machines.
@Suite struct KrbdProgramTests {
    private let image = ImageReference(pool: "rbd", namespace: "ns", name: "db")

    private func run(_ body: (FakeSysfs, KrbdRequest) async throws -> Void) async throws {
        try await LinuxBench.run("krbd") { bench in
            let sysfs = try await FakeSysfs.make(bench)
            try await body(sysfs, KrbdRequest(sys: sysfs.path))
        }
    }

    private func content(_ sysfs: FakeSysfs, _ file: String) async throws -> String {
        try await sysfs.bench.tool("cat", "\(sysfs.path)/bus/rbd/\(file)")
    }

    @Test func aDeviceIsGivenBackByItsNumber() async throws {
        try await run { sysfs, requests in
            try await sysfs.write(["bus/rbd/remove": "", "bus/rbd/remove_single_major": ""])
            try await sysfs.map(4, pool: "rbd", namespace: "ns", name: "db")
            let result = try await sysfs.bench.runner.run(requests.unmap(4, image, imageID: nil), to: "unmap")
            #expect(result.succeeded, "\(result.errors)")
            #expect(try await content(sysfs, "remove_single_major") == "4")
            #expect(try await content(sysfs, "remove") == "")
        }
    }

    @Test func aDeviceThatIsAnotherImageByNowIsLeftAlone() async throws {
        try await run { sysfs, requests in
            try await sysfs.write(["bus/rbd/remove_single_major": ""])
            try await sysfs.map(4, pool: "rbd", namespace: "other", name: "db")
            for device: UInt32 in [4, 5] {
                let result = try await sysfs.bench.runner.run(requests.unmap(device, image, imageID: nil), to: "unmap")
                #expect(result.exitStatus == ENODEV)
            }
            #expect(try await content(sysfs, "remove_single_major") == "")
        }
    }

    @Test func whatTheKernelIsGivenIsOneRequest() async throws {
        try await run { sysfs, requests in
            try await sysfs.write(["bus/rbd/add": ""])
            // One that was there before, made by the same request, is not the new one.
            try await sysfs.map(4, pool: "rbd", namespace: "ns", name: "db")
            let request = "10.0.0.1:6789 name=docker,_pool_ns=ns,noshare,queue_depth=64 rbd db -"
            try await sysfs.write(["bus/rbd/devices/4/config_info": request + "\n"])
            let client = KernelClient(user: "docker", key: nil, monitorsV1: ["10.0.0.1:6789"], monitorsV2: [])
            let command = try requests.map(image, options: ["queue_depth=64"], as: client, "map")
            let result = try await sysfs.bench.runner.run(command, to: "map")
            #expect(result.succeeded, "\(result.errors)")
            #expect(result.output == "")
            #expect(try await content(sysfs, "add") == request)
        }
    }

    @Test("that a mapping is for reading is said last, so that no option of the settings counts for more")
    func readOnly() async throws {
        try await run { sysfs, requests in
            try await sysfs.write(["bus/rbd/add": ""])
            let client = KernelClient(user: "docker", key: nil, monitorsV1: ["10.0.0.1:6789"], monitorsV2: [])
            let command = try requests.map(image, for: .readOnly, options: ["rw"], as: client, "map")
            _ = try await sysfs.bench.runner.run(command, to: "map")
            #expect(
                try await content(sysfs, "add").hasPrefix("10.0.0.1:6789 name=docker,_pool_ns=ns,noshare,rw,ro rbd db"))
        }
    }

    @Test func theStatusIsTheKernelsErrorNumber() async throws {
        try await run { sysfs, requests in
            let client = KernelClient(user: "docker", key: nil, monitorsV1: ["10.0.0.1:6789"], monitorsV2: [])
            let command = try requests.map(image, options: [], as: client, "map")
            let result = try await sysfs.bench.runner.run(command, to: "map")
            #expect(result.exitStatus == ENOENT)
            #expect(result.errors == "cannot write \(sysfs.path)/bus/rbd/add: No such file or directory\n")
        }
    }
}
