import type { BrokerStatus } from '../http/broker-status.ts';
import type { AdminRoute } from './admin-door.ts';

/** What an admin may know of the broker itself, and of who it takes the admin for. */
export function brokerRoutes(region: string, status: () => Promise<BrokerStatus>): AdminRoute[] {
  return [
    {
      method: 'GET',
      path: '/admin/v1/whoami',
      role: 'viewer',
      answer: ({ admin: { id, name, role } }) => ({ id, name, role, region }),
    },
    { method: 'GET', path: '/admin/v1/status', role: 'viewer', answer: status },
  ];
}
