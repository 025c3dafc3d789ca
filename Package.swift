// swift-tools-version: 6.2
import PackageDescription

/// Warnings are errors where nobody would read them: in CI, and under `make lint`.
let warningsAreErrors = Context.environment["CI"] != nil || Context.environment["RBD_PLUGIN_STRICT"] != nil

let swiftSettings: [SwiftSetting] =
    [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
    ] + (warningsAreErrors ? [.treatAllWarnings(as: .error)] : [])

/// The version of the program, from `packaging/version` by way of make. It must be what a C string can hold unquoted.
let version = Context.environment["RBD_PLUGIN_VERSION"].flatMap { text in
    text.allSatisfy { $0.isLetter || $0.isNumber || ".-+~".contains($0) } && !text.isEmpty ? text : nil
}

let log = Target.Dependency.product(name: "Logging", package: "swift-log")
let nio: [Target.Dependency] = ["NIOCore", "NIOPosix", "NIOHTTP1"].map { .product(name: $0, package: "swift-nio") }
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let metrics: [Target.Dependency] = ["CoreMetrics", "Metrics"].map { .product(name: $0, package: "swift-metrics") }

let package = Package(
    name: "rbd-plugin",
    products: [
        .executable(name: "rbd-plugin", targets: ["rbd-plugin"]),
        .executable(name: "rbd-plugin-kernel", targets: ["rbd-plugin-kernel"]),
        .library(name: "EtcdClient", targets: ["EtcdClient"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
    ],
    targets: [
        // MARK: C libraries
        .systemLibrary(name: "CRados", providers: [.apt(["librados-dev"])]),
        .systemLibrary(name: "CRbd", providers: [.apt(["librbd-dev"])]),
        .systemLibrary(name: "CCurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CCaller"),
        .systemLibrary(name: "CCoreDump"),
        .systemLibrary(name: "CDetachedMount"),
        .systemLibrary(name: "CFilesystemOptions"),
        .systemLibrary(name: "CFreeze"),
        .systemLibrary(name: "CKeyring"),
        .systemLibrary(name: "CMemoryFile"),
        .systemLibrary(name: "CMountNamespace"),
        .systemLibrary(name: "CPrivileges"),
        .systemLibrary(name: "CThread"),

        // MARK: The product
        .target(
            name: "CVersion", cSettings: version.map { [.define("RBD_PLUGIN_VERSION", to: "\"\($0)\"")] } ?? []),
        .target(name: "UntrustedJSON", swiftSettings: swiftSettings),
        .target(name: "Blocking", dependencies: ["CThread"], swiftSettings: swiftSettings),
        .target(name: "DiffStream", swiftSettings: swiftSettings),
        .target(
            name: "EtcdClient", dependencies: ["Blocking", "CCurl", "UntrustedJSON", log], swiftSettings: swiftSettings),
        .target(name: "VolumeCore", swiftSettings: swiftSettings),
        .target(name: "RBDDriver", dependencies: ["VolumeCore", log], swiftSettings: swiftSettings),
        .target(
            name: "CephStorage", dependencies: ["Blocking", "CRados", "CRbd", "UntrustedJSON", "VolumeCore", log],
            swiftSettings: swiftSettings),
        .target(
            name: "NodeStorage",
            dependencies: [
                "Blocking", "CDetachedMount", "CMemoryFile", "KernelRequest", "MountInfo", "UntrustedJSON",
                "VolumeCore", subprocess, system,
            ], swiftSettings: swiftSettings),
        .target(
            name: "Provisioning", dependencies: ["CephStorage", "NodeStorage", "VolumeCore"],
            swiftSettings: swiftSettings),
        .target(
            name: "Backup", dependencies: ["Blocking", "CephStorage", "DiffStream", "VolumeCore"],
            swiftSettings: swiftSettings),
        .target(
            name: "EtcdState", dependencies: ["EtcdClient", "UntrustedJSON", "VolumeCore", log],
            swiftSettings: swiftSettings),
        .target(name: "LocalHTTP", dependencies: nio + [log], swiftSettings: swiftSettings),
        .target(
            name: "DockerVolumeAPI", dependencies: metrics + ["LocalHTTP", "UntrustedJSON", log],
            swiftSettings: swiftSettings),
        .target(name: "MetricsListener", dependencies: ["LocalHTTP", log], swiftSettings: swiftSettings),
        .target(name: "Doctor", swiftSettings: swiftSettings),
        .target(name: "ClusterStatus", dependencies: ["VolumeCore"], swiftSettings: swiftSettings),
        .target(name: "VolumeLoad", swiftSettings: swiftSettings),
        .target(name: "PrometheusMetrics", dependencies: metrics, swiftSettings: swiftSettings),
        .target(name: "PluginConfiguration", dependencies: ["VolumeCore", log], swiftSettings: swiftSettings),
        .target(
            name: "PluginLog", dependencies: ["Blocking", "PluginConfiguration", log], swiftSettings: swiftSettings),
        .executableTarget(
            name: "rbd-plugin",
            dependencies: [
                "Backup", "Blocking", "CCaller", "CCoreDump", "CPrivileges", "CVersion", "CephStorage", "ClusterStatus",
                "Doctor", "DockerVolumeAPI", "EtcdClient", "EtcdState", "MetricsListener", "NodeStorage",
                "PluginConfiguration", "PluginLog", "PrometheusMetrics", "Provisioning",
                "RBDDriver", "UntrustedJSON", "VolumeCore", "VolumeLoad", log,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ] + metrics,
            swiftSettings: swiftSettings + [.define("FAULT_INJECTION", .when(configuration: .debug))]
        ),
        .target(name: "KernelRequest", swiftSettings: swiftSettings),
        .target(name: "MountInfo", swiftSettings: swiftSettings),
        // Starts for every mapping and every mount: without any shared library it does so as quickly as a program can.
        .executableTarget(
            name: "rbd-plugin-kernel",
            dependencies: [
                "CCoreDump", "CDetachedMount", "CFilesystemOptions", "CFreeze", "CKeyring", "CMountNamespace",
                "CPrivileges", "KernelRequest", "MountInfo",
            ],
            swiftSettings: swiftSettings,
            linkerSettings: [.unsafeFlags(["-static-executable", "-use-ld=lld"])]),

        // MARK: What the tests stand on
        .target(name: "Rig", dependencies: [subprocess, system], path: "Tests/Rig", swiftSettings: swiftSettings),
        .target(
            name: "InMemoryPorts", dependencies: ["VolumeCore"], path: "Tests/InMemoryPorts",
            swiftSettings: swiftSettings),
        .target(
            name: "Simulation", dependencies: ["RBDDriver", "VolumeCore", "InMemoryPorts", log],
            path: "Tests/Simulation", swiftSettings: swiftSettings),
        .executableTarget(
            name: "rbd-plugin-simulate", dependencies: ["Simulation"], path: "Tests/SimulationCommand",
            swiftSettings: swiftSettings),
        .target(
            name: "PortContracts", dependencies: ["VolumeCore"], path: "Tests/PortContracts",
            swiftSettings: swiftSettings),

        .target(
            name: "RealParts",
            dependencies: [
                "Blocking", "CephStorage", "CRados", "EtcdClient", "EtcdState", "NodeStorage", "PortContracts",
                "Provisioning",
                "RBDDriver", "Rig", "VolumeCore", log,
            ], path: "Tests/RealParts", swiftSettings: swiftSettings),

        .executableTarget(
            name: "rbd-plugin-bench",
            dependencies: [
                "Rig", "CephStorage", "NodeStorage", "RBDDriver", "VolumeCore", "CKeyring", "CRados", "CRbd", log,
            ], path: "Benchmarks",
            swiftSettings: swiftSettings),

        .target(
            name: "RawHTTPClient", dependencies: nio, path: "Tests/RawHTTPClient", swiftSettings: swiftSettings),
        .target(
            name: "ProtocolConformance", dependencies: ["Rig"], path: "Tests/ProtocolConformance",
            swiftSettings: swiftSettings),
        .executableTarget(
            name: "plugin-conformance", dependencies: ["ProtocolConformance"], path: "Tests/ConformanceCommand",
            swiftSettings: swiftSettings),

        .target(
            name: "Fuzzing",
            dependencies: [
                "DiffStream", "DockerVolumeAPI", "EtcdClient", "KernelRequest", "LocalHTTP", "MountInfo",
                "PluginConfiguration",
                "PluginLog", "PrometheusMetrics", "NodeStorage", "EtcdState", "CephStorage", "Rig", "UntrustedJSON",
                "VolumeCore",
                log, system,
            ] + nio, path: "Tests/Fuzzing", swiftSettings: swiftSettings),
        .executableTarget(
            name: "rbd-plugin-fuzz", dependencies: ["Fuzzing", "Rig"], path: "Tests/FuzzCommand",
            swiftSettings: swiftSettings),

        // MARK: Tests
        .testTarget(name: "RigTests", dependencies: ["Rig", system], swiftSettings: swiftSettings),
        .testTarget(name: "VolumeCoreTests", dependencies: ["VolumeCore"], swiftSettings: swiftSettings),
        .testTarget(
            name: "EtcdClientTests", dependencies: ["EtcdClient", "Rig", "UntrustedJSON", log],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "LocalHTTPTests", dependencies: ["LocalHTTP", "RawHTTPClient", "Rig", log] + nio,
            swiftSettings: swiftSettings),
        .testTarget(
            name: "DockerVolumeAPITests",
            dependencies: ["DockerVolumeAPI", "LocalHTTP", "PrometheusMetrics", "RawHTTPClient", log] + metrics,
            swiftSettings: swiftSettings),
        .testTarget(
            name: "MetricsListenerTests", dependencies: ["MetricsListener"], swiftSettings: swiftSettings),
        .testTarget(
            name: "PrometheusMetricsTests", dependencies: ["PrometheusMetrics"] + metrics, swiftSettings: swiftSettings),
        .testTarget(
            name: "PluginConfigurationTests", dependencies: ["PluginConfiguration", "VolumeCore", log],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "ClusterStatusTests", dependencies: ["ClusterStatus", "VolumeCore"], swiftSettings: swiftSettings),
        .testTarget(
            name: "VolumeLoadTests", dependencies: ["PrometheusMetrics", "VolumeLoad"] + metrics,
            swiftSettings: swiftSettings),
        .testTarget(name: "DoctorTests", dependencies: ["Doctor"], swiftSettings: swiftSettings),
        .testTarget(
            name: "PluginLogTests", dependencies: ["PluginLog", "PluginConfiguration", log],
            swiftSettings: swiftSettings),
        .testTarget(name: "DiffStreamTests", dependencies: ["DiffStream"], swiftSettings: swiftSettings),
        .testTarget(name: "BlockingTests", dependencies: ["Blocking", "Rig"], swiftSettings: swiftSettings),
        .testTarget(
            name: "CephStorageTests",
            dependencies: [
                "Blocking", "CephStorage", "CRbd", "PortContracts", "RealParts", "RBDDriver", "Rig", "VolumeCore",
            ],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "NodeStorageTests",
            dependencies: [
                "Blocking", "InMemoryPorts", "KernelRequest", "MountInfo", "NodeStorage", "PortContracts", "RealParts",
                "RBDDriver", "Rig", "VolumeCore",
            ],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "ProvisioningTests",
            dependencies: [
                "CephStorage", "NodeStorage", "PortContracts", "Provisioning", "RealParts", "RBDDriver", "Rig",
                "VolumeCore",
            ],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "EtcdStateTests",
            dependencies: [
                "EtcdClient", "EtcdState", "Fuzzing", "PortContracts", "RealParts", "RBDDriver", "Rig", "VolumeCore",
            ],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "RBDDriverTests",
            dependencies: ["RBDDriver", "VolumeCore", "InMemoryPorts", "PortContracts", "Rig", log],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "ContractTests",
            dependencies: [
                "CephStorage", "EtcdState", "InMemoryPorts", "NodeStorage", "PortContracts", "RealParts", "RBDDriver",
                "Rig",
                "VolumeCore", log,
            ],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "SimulationTests", dependencies: ["Simulation", "InMemoryPorts", "VolumeCore"],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "EndToEndTests", dependencies: ["CCurl", "PluginConfiguration", "Rig", subprocess, system],
            swiftSettings: swiftSettings),
        .testTarget(name: "FuzzTests", dependencies: ["Fuzzing"], swiftSettings: swiftSettings),
        .testTarget(name: "VirtualMachineTests", dependencies: ["Rig"], swiftSettings: swiftSettings),
        .testTarget(name: "DockerEngineTests", dependencies: ["Rig"], swiftSettings: swiftSettings),
        .testTarget(
            name: "ConformanceTests", dependencies: ["ProtocolConformance", "Rig"], swiftSettings: swiftSettings),
    ]
)
