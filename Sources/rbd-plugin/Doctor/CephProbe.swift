import CephStorage
import Doctor
import Glibc

/// Asks Ceph as the plugin's user, and tries what that user may do.
struct CephProbe: Sendable {
    let connection: CephConnection
    /// The longest that one call may take.
    let limit: Duration

    /// All but the pools.
    func look() async -> (seen: CephSeen, map: ClusterMap?) {
        let user = connection.settings.user
        let result: Result<CephIdentity, any Error>? = await InTime.of(limit + .seconds(2)) {
            do {
                return .success(try await connection.identity(timeout: limit))
            } catch {
                return .failure(error)
            }
        }
        switch result {
        case nil: return (CephSeen(user: user, connection: .unreachable("no answer in time")), nil)
        case .failure(let error): return (CephSeen(user: user, connection: Self.failure(error)), nil)
        case .success(let identity):
            async let map = inTime { try await connection.clusterMap(timeout: limit) }
            async let health = inTime { try await connection.health(timeout: limit) }
            async let adding = tried { try await connection.mayChangeBlocklist(adding: true, timeout: limit) }
            async let removing = tried { try await connection.mayChangeBlocklist(adding: false, timeout: limit) }
            let monitors = await monitors()
            var seen = CephSeen(user: user, connection: .connected(fsid: identity.fsid), monitors: monitors)
            seen.map = Self.map(await map)
            seen.health = try? await health.get().map {
                CephSeen.HealthCheck(code: $0.code, isError: $0.isError, message: $0.message)
            }
            (seen.blocklistAdd, seen.blocklistRemove) = (await adding, await removing)
            return (seen, try? await map.get())
        }
    }

    /// Which monitors this node connects to. The address is all that is tried.
    private func monitors() async -> [CephSeen.Monitor] {
        let addresses = (try? await inTime { try await connection.monitorAddresses(timeout: limit) }.get()) ?? []
        return await withTaskGroup(of: CephSeen.Monitor.self) { group in
            for address in Set(addresses) {
                group.addTask {
                    let isReached = await InTime.ofBlocking(.seconds(3)) { Reach.connects(to: address, within: 2) }
                    return CephSeen.Monitor(address: address, isReached: isReached ?? false)
                }
            }
            return await group.reduce(into: []) { $0.append($1) }.sorted { $0.address < $1.address }
        }
    }

    // MARK: Pools

    /// Tries each of these pools.
    func look(at places: [ImageLocation], in map: ClusterMap?) async -> [CephSeen.Place] {
        let pools = map.map { Set($0.pools.map(\.name)) }
        return await withTaskGroup(of: CephSeen.Place.self) { group in
            for place in places {
                group.addTask { await look(at: place, exists: pools.map { $0.contains(place.pool) }) }
            }
            return await group.reduce(into: []) { $0.append($1) }.sorted { $0.name < $1.name }
        }
    }

    private func look(at place: ImageLocation, exists: Bool?) async -> CephSeen.Place {
        var seen = CephSeen.Place(
            pool: place.pool, namespace: place.namespace, exists: exists, reading: .unknown("not tried"),
            writing: .unknown("not tried"))
        guard exists != false else { return seen }
        do {
            try await inTime { try await connection.askOSDs(of: place.pool, timeout: limit) }.get()
        } catch {
            seen.silence = Self.reason(error)
            return seen
        }
        seen.reading = await tried {
            do {
                try await connection.checkAccess(to: place, timeout: limit)
                return true
            } catch let error as CephError where error.isDenied {
                return false
            }
        }
        seen.writing = await tried { try await connection.mayWrite(in: place, timeout: limit) }
        return seen
    }

    // MARK: Answers

    private func tried(_ body: @escaping @Sendable () async throws -> Bool) async -> CephSeen.Trial {
        switch await inTime(body) {
        case .success(true): .allowed
        case .success(false): .denied
        case .failure(let error): .unknown(Self.reason(error))
        }
    }

    private func inTime<Value: Sendable>(
        _ body: @escaping @Sendable () async throws -> Value
    ) async -> Result<Value, any Error> {
        await InTime.of(limit * 2) {
            do {
                return .success(try await body())
            } catch {
                return .failure(error)
            }
        } ?? .failure(Silence())
    }

    private static func map(_ result: Result<ClusterMap, any Error>) -> CephSeen.Result {
        switch result {
        case .failure(let error as CephError) where error.isDenied: .denied
        case .failure(let error): .failed(reason(error))
        case .success(let map):
            .read(
                CephSeen.OSDMap(
                    flags: map.flags, requiredRelease: map.requiredRelease, oldestClient: map.oldestClient,
                    upmapPrimaries: map.upmapPrimaries,
                    pools: map.pools.map {
                        CephSeen.Pool(
                            name: $0.name, flags: $0.flags, applications: $0.applications,
                            hasMultiStepRule: $0.hasMultiStepRule)
                    }))
        }
    }

    /// Whether Ceph refuses the user, or cannot be reached. librados finds no keyring where there is none (ENOENT, EOPNOTSUPP).
    private static func failure(_ error: any Error) -> CephSeen.Connection {
        guard let error = error as? CephError else { return .unreachable(reason(error)) }
        let isRefused = error.isDenied || [ENOENT, EOPNOTSUPP, EINVAL].contains(error.code)
        return isRefused ? .refused(reason(error)) : .unreachable(reason(error))
    }

    static func reason(_ error: any Error) -> String {
        guard let error = error as? CephError else { return "\(error)" }
        let detail = error.detail.map { ": \($0)" } ?? ""
        return "\(error.call) failed with error \(error.code)\(detail)"
    }

    private struct Silence: Error, CustomStringConvertible {
        var description: String { "no answer in time" }
    }
}
