import Doctor
import EtcdClient
import FoundationEssentials
import PluginConfiguration

/// Asks each member of etcd by itself, and what the plugin's user may do.
struct EtcdProbe: Sendable {
    let settings: EtcdSettings
    let client: EtcdClient
    /// The longest that one request may take.
    let limit: Duration

    func look() async -> EtcdSeen {
        async let access = InTime.of(limit * 2) { await self.access() }
        let members = await withTaskGroup(of: (Int, EtcdSeen.Member).self) { group in
            for (index, url) in settings.endpoints.enumerated() {
                group.addTask {
                    let outcome = await InTime.of(limit * 2) { await self.ask(url) }
                    let silence = EtcdSeen.Member.Outcome.fails(.unreachable, "no answer in time")
                    return (index, EtcdSeen.Member(endpoint: url, outcome ?? silence))
                }
            }
            return await group.reduce(into: []) { $0.append($1) }.sorted { $0.0 < $1.0 }.map(\.1)
        }
        return EtcdSeen(
            members: members, access: await access ?? .unknown("etcd does not answer in time"),
            user: settings.credentials?.username, prefix: settings.prefix)
    }

    // MARK: A member

    private func ask(_ url: String) async -> EtcdSeen.Member.Outcome {
        do {
            guard let endpoint = try Endpoint.parse(url).first else { return .fails(.unreachable, "it is no address") }
            let asked = Date.now
            let version = try await client.version(of: endpoint, timeout: limit)
            let middle = asked.timeIntervalSince1970 + Date.now.timeIntervalSince(asked) / 2
            var answer = EtcdSeen.Answer(version: version.server)
            // The answer's second has begun, and nobody knows how long ago.
            answer.clockAhead = version.clock.map { Double($0) + 0.5 - middle }
            await fill(&answer, from: endpoint)
            return .answers(answer)
        } catch let error as EtcdError {
            return .fails(error.code == .tls ? .tls : .unreachable, error.reason)
        } catch {
            return .fails(.unreachable, "\(error)")
        }
    }

    /// What not every version tells every user.
    private func fill(_ answer: inout EtcdSeen.Answer, from endpoint: Endpoint) async {
        async let ailment = ailment(of: endpoint)
        async let quota = try? client.quota(of: endpoint, timeout: limit)
        async let listed = try? client.alarms(of: endpoint, timeout: limit)
        let status = try? await client.status(of: endpoint, timeout: limit)
        answer.clusterID = status?.header.clusterID
        answer.hasLeader = status.map { $0.leader != nil }
        answer.databaseBytes = status?.databaseBytes
        answer.quotaBytes = await quota ?? nil
        answer.ailment = await ailment
        let alarms = (await listed ?? []).filter { status == nil || $0.memberID == status?.header.memberID }
        answer.alarms = alarms.map(Self.alarm)
        if answer.alarms.isEmpty, answer.ailment?.contains("NOSPACE") == true { answer.alarms = [.noSpace] }
    }

    private func ailment(of endpoint: Endpoint) async -> String? {
        do throws(EtcdError) {
            let health = try await client.health(of: endpoint, timeout: limit)
            return health.healthy ? nil : health.reason ?? "it gives no reason"
        } catch {
            return error.reason
        }
    }

    private static func alarm(_ alarm: MemberAlarm) -> EtcdSeen.Alarm {
        switch alarm.kind {
        case .noSpace: .noSpace
        case .corrupt: .corrupt
        case .other(let name): .other(name)
        }
    }

    // MARK: The user

    /// Keys that no volume and no node can have.
    private var strangeKeys: [String] { ["volumes/", "mounts/", "nodes/"].map { settings.prefix + $0 } }

    private func access() async -> EtcdSeen.Access {
        do throws(EtcdError) {
            var request = RangeRequest(.prefix(settings.prefix), limit: 1)
            request.keysOnly = true
            _ = try await client.range(request, timeout: limit)
        } catch {
            switch error.code {
            case .unauthenticated: return .loginRefused(error.reason)
            case .permissionDenied: return .noRead(error.reason)
            default: return .unknown(error.reason)
            }
        }
        do throws(EtcdError) {
            var denied: [String] = []
            for key in strangeKeys where try await !client.mayWrite(key, timeout: limit) { denied.append(key) }
            return denied.isEmpty ? .full : .noWrite(keys: denied)
        } catch {
            return .unknown(error.reason)
        }
    }
}
