/** What the content scripts share: classic files injected one after the other into one isolated world. */
interface TelltalePage {
  find: {
    collect(wish: Wish): Found[];
    entry(id: number): Entry | undefined;
    source(id: number, patience: number): Promise<Drawable>;
    box(element: Element): Box;
    settled(): Promise<void>;
    details(): PageDetails;
  };
  sheet: {
    lay(order: SheetOrder): Promise<SheetLaid>;
    lift(): void;
    show(order: PanOrder): Promise<PanShown>;
    paints(): boolean;
  };
  badges: {
    set(badges: BadgeOrder[], scheme: BadgeTexts): void;
    clear(): void;
    boxes(): Record<number, Box>;
  };
  region: { pick(texts: Record<string, string>): Promise<Region | null> };
  pixels: {
    bytes(id: number): Promise<Piece | null>;
    drawn(id: number, side: number): Promise<Piece | null>;
  };
  watch: { begin(): void; end(): void };
}
interface Box { x: number; y: number; width: number; height: number }
interface Region extends Box { ratio: number; viewWidth: number }
interface Wish { source?: string; link?: string; least?: number }
interface Entry { element: Element; urls: string[]; pseudo: boolean; kind: string; image?: HTMLImageElement }
interface Found {
  id: number; kind: string; urls: string[]; box: Box; seen: boolean; name: string;
  width: number; height: number; origin?: string; permalink?: string; account?: string;
}
type Drawable = HTMLImageElement | HTMLVideoElement | HTMLCanvasElement | SVGImageElement;
interface SheetOrder { ids: number[]; tile: number; nonce: string[]; columns: number; patience: number; plain: boolean }
interface SheetLaid { cells: Record<number, { x: number; y: number }>; sizes: Record<number, [number, number]>; late: number[]; failed: number[]; paints: boolean; width: number; height: number }
interface PanOrder { id: number; x: number; y: number; scale: number; nonce: string[]; plain: boolean }
interface PanShown { paints: boolean; wide: number; high: number; viewWidth: number; viewHeight: number }
interface BadgeOrder { id: number; verdict: string; text: string }
interface BadgeTexts { dismiss: string }
interface Piece { data: string; type: string }
interface PageDetails { title: string; permalink: string | null; account: string | null; language: string }
declare var telltale: Partial<TelltalePage>;
