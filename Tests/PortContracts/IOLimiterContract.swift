import Testing
import VolumeCore

/// What every `IOLimiter` promises.
public struct IOLimiterContract: Sendable {
    let node: NodeUnderTest
    let limiter: any IOLimiter
    let restarted: @Sendable () -> any IOLimiter
    let inForce: @Sendable (MappedDevice) async throws -> IOLimits

    /// - Parameters:
    ///   - restarted: the limiter of a plugin that is started now, in the place of the one before.
    ///   - inForce: what bounds the device, seen from outside.
    public init(
        node: NodeUnderTest, limiter: any IOLimiter, restarted: @escaping @Sendable () -> any IOLimiter,
        inForce: @escaping @Sendable (MappedDevice) async throws -> IOLimits
    ) {
        self.node = node
        self.limiter = limiter
        self.restarted = restarted
        self.inForce = inForce
    }

    public static let promises: [ContractCase<IOLimiterContract>] = [
        .init("each limit is in force by itself, and all are together") { try await $0.sets() },
        .init("limits that are set again stay as they are") { try await $0.setsTwice() },
        .init("the limits are exactly the last ones that were set") { try await $0.changes() },
        .init("taking limits away takes all away, also where there are none") { try await $0.takesAway() },
        .init("a device's limits bound no other device") { try await $0.keepsApart() },
        .init("limits outlive the plugin, and the next one changes them") { try await $0.survivesRestart() },
        .init("a limit for reads and writes together is in force, or unsupported, and the other limits are in force") {
            try await $0.combines()
        },
        .init("a device that was just mapped has no limits, whatever had its path before") {
            try await $0.beginsWithout()
        },
        .init("a device that is not mapped cannot be limited") {
            try await $0.refusesUnmapped()
        },
    ]

    private static let all = IOLimits(readIOPS: 300, writeIOPS: 400, readBPS: 30 << 20, writeBPS: 40 << 20)

    /// Lends a device, which has no limits in the end.
    private func withDevice(_ body: (MappedDevice) async throws -> Void) async throws {
        try await node.withImage { image, _ in
            try await node.withDevice(image) { device in
                try await cleaningUp {
                    try await body(device)
                } after: {
                    try await restarted().limit(device, to: .none)
                }
            }
        }
    }

    private func sets() async throws {
        try await withDevice { device in
            #expect(try await inForce(device) == .none)
            for limits in [
                IOLimits(readIOPS: 100), IOLimits(writeIOPS: 1), IOLimits(readBPS: 1 << 20),
                IOLimits(writeBPS: 1 << 40),
                Self.all,
            ] {
                try await limiter.limit(device, to: limits)
                #expect(try await inForce(device) == limits)
            }
        }
    }

    private func setsTwice() async throws {
        try await withDevice { device in
            for _ in 1...2 {
                try await limiter.limit(device, to: Self.all)
                #expect(try await inForce(device) == Self.all)
            }
        }
    }

    private func changes() async throws {
        try await withDevice { device in
            try await limiter.limit(device, to: Self.all)
            let others = IOLimits(readIOPS: 300, writeBPS: 41 << 20)
            try await limiter.limit(device, to: others)
            #expect(try await inForce(device) == others)
        }
    }

    private func takesAway() async throws {
        try await withDevice { device in
            try await limiter.limit(device, to: .none)
            try await limiter.limit(device, to: Self.all)
            for _ in 1...2 {
                try await limiter.limit(device, to: .none)
                #expect(try await inForce(device) == .none)
            }
        }
    }

    private func keepsApart() async throws {
        try await withDevice { first in
            try await withDevice { second in
                try await limiter.limit(first, to: Self.all)
                #expect(try await inForce(second) == .none)
                let others = IOLimits(readBPS: 1 << 20)
                try await limiter.limit(second, to: others)
                try await limiter.limit(first, to: .none)
                #expect(try await inForce(second) == others)
            }
        }
    }

    private func survivesRestart() async throws {
        try await withDevice { device in
            try await limiter.limit(device, to: Self.all)
            let next = restarted()
            #expect(try await inForce(device) == Self.all)
            let others = IOLimits(writeIOPS: 7)
            try await next.limit(device, to: others)
            #expect(try await inForce(device) == others)
        }
    }

    private func combines() async throws {
        try await withDevice { device in
            for combined in [IOLimits(iops: 50, readBPS: 1 << 20), IOLimits(bps: 1 << 20, readBPS: 1 << 20)] {
                do {
                    try await limiter.limit(device, to: combined)
                    #expect(try await inForce(device) == combined)
                } catch let error as VolumeError {
                    #expect(error.code == .unsupported && !error.remedy.isEmpty)
                    #expect(try await inForce(device) == IOLimits(readBPS: 1 << 20))
                }
            }
        }
    }

    private func beginsWithout() async throws {
        try await node.withImage { image, _ in
            let former = try await node.mapper.map(image, id: nil, options: [])
            try await limiter.limit(former, to: Self.all)
            // Nobody takes the limits away, as when the plugin was killed.
            try await node.mapper.unmap(former)
        }
        // Mostly, it has the path now that the former one had.
        try await withDevice { device in
            let limits = try await inForce(device)
            #expect(limits == .none)
        }
    }

    private func refusesUnmapped() async throws {
        try await node.withImage { image, _ in
            let device = try await node.mapper.map(image, id: nil, options: [])
            try await node.mapper.unmap(device)
            await expectFailure(.notFound, "a limit of a device that is not mapped") {
                try await limiter.limit(device, to: Self.all)
            }
        }
    }
}
