// The sections of the course's outline. The server knows them by number.

const TITLES = [
  "Network Fundamentals",
  "Client Programming",
  "Internet Data Handling",
  "Web Programming",
  "Advanced Networking",
  "Concurrency Introduction",
  "Thread Programming",
  "Messaging and Data Serialization",
  "Multiprocessing",
  "Distributed Programming",
  "Advanced I/O",
  "Generators and Coroutines",
  "Simulated Clusters",
];

/** `7. Thread Programming`; a section that the outline does not have is only a number. */
export function sectionTitle(section: number): string {
  const title = TITLES[section - 1];
  return title ? `${section}. ${title}` : `Section ${section}`;
}
